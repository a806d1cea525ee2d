import { caseInputs, type LoadedCase } from '../campaign/index.ts';
import { isError, violationsOf } from '../invariants/index.ts';
import { requireRevision, type ScenarioRunner } from '../model/index.ts';
import { traceToJson, traceToText } from '../report/index.ts';
import { toJsonLine } from '../scenario/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { openRunner } from './open-target.ts';
import type { RunnerOptions } from './target-options.ts';
import { caseFile } from './shipped-regressions.ts';
import { tryInput } from './try-input.ts';
import { writeOut } from './write-out.ts';

/** The options of `barproof run` as commander reads them. */
export interface RunOptions extends RunnerOptions {
  readonly json?: true;
  readonly revision?: string;
}

/** Runs the scenarios of files, or of standard input, and prints what they show. */
export async function runCases(
  files: readonly string[],
  options: RunOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> {
  if (options.revision !== undefined) requireRevision(options.revision, '--revision');
  const runner = await openRunner(options);
  try {
    for await (const { name, isLine, load } of caseInputs(files.map(caseFile))) {
      const problems = await tryInput(name, raiseExitCode, async () => {
        const { text, isCounterexample } = await run(load(), runner, options);
        await writeOut(text);
        if (isCounterexample) raiseExitCode(ExitCode.COUNTEREXAMPLE);
      });
      // A program that reads the output expects one line for each scenario of the input.
      if (problems && isLine && options.json) await writeOut(`${toJsonLine({ problems })}\n`);
    }
  } finally {
    await runner.close();
  }
}

/** What a run prints, and whether it breaks an invariant, warnings apart. */
interface Ran {
  readonly text: string;
  readonly isCounterexample: boolean;
}

async function run(
  { scenario }: LoadedCase,
  runner: ScenarioRunner,
  { json, revision: id }: RunOptions,
): Promise<Ran> {
  const revision = requireRevision(id ?? scenario.revision);
  const trace = await runner.run(scenario, revision);
  const violations = violationsOf(trace);
  return {
    text: json
      ? `${toJsonLine(traceToJson(trace, violations, revision.mtree))}\n`
      : traceToText(trace, violations, revision),
    isCounterexample: violations.some(isError),
  };
}
