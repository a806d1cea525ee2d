import { InvalidInput, printable, type Problem } from '../input/index.ts';
import {
  modelHost,
  observe,
  SessionComparison,
  sessionInputs,
  sessionToJson,
  type HostTarget,
} from '../linux/index.ts';
import { comparisonEvents, hostPlan, type EmitReportEvent } from '../readers/index.ts';
import { comparisonText, comparisonToJson, sessionText } from '../report/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { openHost, type HostOptions } from './open-host.ts';
import { hostAgain } from './repeat-commands.ts';
import type { ReportOptions } from './report-option.ts';
import { withReports, type ReportHooks } from './reports.ts';
import { tryInput } from './try-input.ts';
import { writeOut } from './write-out.ts';

/** The options of `barproof host` as commander reads them. */
export interface HostCommandOptions extends HostOptions, ReportOptions {
  readonly compare?: true;
}

/** Answers the sessions of a file, or compares the answers with those in the file. */
export const answerSessions = (
  file: string,
  options: HostCommandOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> =>
  // `--json` of this command has a form of its own.
  withReports('host', { ...options, json: undefined }, raiseExitCode, async (reporting) => {
    const { signal, emit, raise } = reporting;
    const target = openHost(options);
    const hooks = { ...reporting, target };
    const plan = hostPlan(target.name, hostAgain(file, options), target !== modelHost);
    emit({ type: 'started', plan });
    try {
      if (options.compare) await compare(file, options, hooks);
      else await answer(file, options, hooks);
      if (signal.aborted) {
        emit({ type: 'interrupted' });
        raise(ExitCode.COULD_NOT_RUN);
      }
    } finally {
      await target.close();
    }
  });

/** Who answers, what the command is told, and whom it tells. */
interface HostHooks extends ReportHooks {
  readonly target: HostTarget;
}

/** Prints the answers to each session, in order. */
async function answer(
  file: string,
  { json, mail }: HostCommandOptions,
  { target, signal, emit, raise }: HostHooks,
): Promise<void> {
  for await (const { name, session } of sessionInputs(file, signal)) {
    if (signal.aborted) break;
    const problems = await tryInput(name, raise, async () => {
      if (session instanceof InvalidInput) throw session;
      const { session: asked, answers, console = [] } = await target.answer(session);
      const text = json
        ? jsonLine({ ...sessionToJson(asked, answers), ...(console.length > 0 ? { console } : {}) })
        : [
            sessionText(asked, answers, target.name),
            ...console.map((line) => `  | ${printable(line)}\n`),
          ].join('');
      if (!mail) await writeOut(text);
      emit({ type: 'input', input: { name, result: 'holds', text: `answered by ${target.name}` } });
    });
    tellProblems(name, problems, emit);
    // A program that reads the output expects one line for each session of the input.
    if (problems && json) await writeOut(jsonLine({ problems }));
  }
}

/** Prints how the answers to all sessions agree with the recorded ones, and a kernel's with those of the model. */
async function compare(
  file: string,
  { json, mail, ...options }: HostCommandOptions,
  { target, signal, emit, raise }: HostHooks,
): Promise<void> {
  const comparison = new SessionComparison();
  // A kernel's answers are compared with the model's, too: that shows a finding of check --target linux again.
  const withModel = target === modelHost ? undefined : new SessionComparison();
  for await (const { name, session, place } of sessionInputs(file, signal)) {
    if (signal.aborted) break;
    const problems = await tryInput(name, raise, async () => {
      if (session instanceof InvalidInput) throw session;
      const answered = await target.answer(session);
      comparison.add(session, answered.answers, place);
      const { session: asked, model } = observe(answered);
      withModel?.add(asked, model, place);
    });
    tellProblems(name, problems, emit);
  }
  comparisonEvents({ comparison, withModel }, emit, hostAgain(file, options));
  if (!mail) {
    await writeOut(
      json ? jsonLine(comparisonToJson(comparison, withModel)) : comparisonText(comparison, withModel),
    );
  }
  if (comparison.classes.length > 0 || (withModel?.classes.length ?? 0) > 0) raise(ExitCode.COUNTEREXAMPLE);
}

function tellProblems(name: string, problems: readonly Problem[] | undefined, emit: EmitReportEvent): void {
  for (const problem of new InvalidInput(problems ?? []).within(name).problems)
    emit({ type: 'problem', problem });
}

const jsonLine = (value: object): string => `${JSON.stringify(value)}\n`;
