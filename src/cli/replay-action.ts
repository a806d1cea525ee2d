import { loadCase, replayCase } from '../campaign/index.ts';
import { requireRevision } from '../model/index.ts';
import { replayText } from '../report/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { openRunner } from './open-target.ts';
import type { RunnerOptions } from './target-options.ts';
import { tryInput } from './try-input.ts';

/** The options of `barproof replay` as commander reads them. */
export interface ReplayOptions extends RunnerOptions {
  readonly revision?: string;
}

/** Runs the cases of files again, judges them, and compares the runs with what the files record. */
export async function replay(
  files: readonly string[],
  options: ReplayOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> {
  const { revision: id } = options;
  if (id !== undefined) requireRevision(id, '--revision');
  const runner = await openRunner(options);
  try {
    for (const file of files) {
      await tryInput(file, raiseExitCode, async () => {
        const replayed = await replayCase(loadCase(file), (scenario) =>
          runner.run(scenario, requireRevision(id ?? scenario.revision)),
        );
        process.stdout.write(replayText(file, replayed));
        if (replayed.isCounterexample) raiseExitCode(ExitCode.COUNTEREXAMPLE);
      });
    }
  } finally {
    await runner.close();
  }
}
