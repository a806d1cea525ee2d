import { InvalidInput, printable } from '../input/index.ts';
import { SessionComparison, sessionInputs, sessionToJson, type HostTarget } from '../linux/index.ts';
import { comparisonText, comparisonToJson, sessionText } from '../report/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { openHost, type HostOptions } from './open-host.ts';
import { tryInput } from './try-input.ts';
import { writeOut } from './write-out.ts';

/** The options of `barproof host` as commander reads them. */
export interface HostCommandOptions extends HostOptions {
  readonly json?: true;
  readonly compare?: true;
}

/** Answers the sessions of a file, or compares the answers with those in the file. */
export async function answerSessions(
  file: string,
  options: HostCommandOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> {
  const target = openHost(options);
  try {
    if (options.compare) await compare(file, target, options, raiseExitCode);
    else await answer(file, target, options, raiseExitCode);
  } finally {
    await target.close();
  }
}

/** Prints the answers to each session, in order. */
async function answer(
  file: string,
  target: HostTarget,
  { json }: HostCommandOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> {
  for await (const { name, session } of sessionInputs(file)) {
    const problems = await tryInput(name, raiseExitCode, async () => {
      if (session instanceof InvalidInput) throw session;
      const { session: asked, answers, console = [] } = await target.answer(session);
      const text = json
        ? jsonLine({ ...sessionToJson(asked, answers), ...(console.length > 0 ? { console } : {}) })
        : [
            sessionText(asked, answers, target.name),
            ...console.map((line) => `  | ${printable(line)}\n`),
          ].join('');
      await writeOut(text);
    });
    // A program that reads the output expects one line for each session of the input.
    if (problems && json) await writeOut(jsonLine({ problems }));
  }
}

/** Prints how the answers to all sessions agree with the recorded ones. */
async function compare(
  file: string,
  target: HostTarget,
  { json }: HostCommandOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> {
  const comparison = new SessionComparison();
  for await (const { name, session } of sessionInputs(file)) {
    await tryInput(name, raiseExitCode, async () => {
      if (session instanceof InvalidInput) throw session;
      comparison.add(session, (await target.answer(session)).answers);
    });
  }
  await writeOut(json ? jsonLine(comparisonToJson(comparison)) : comparisonText(comparison));
  if (comparison.classes.length > 0) raiseExitCode(ExitCode.COUNTEREXAMPLE);
}

const jsonLine = (value: object): string => `${JSON.stringify(value)}\n`;
