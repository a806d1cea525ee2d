import { loadCase, replayCase } from '../campaign/index.ts';
import { InvalidInput } from '../input/index.ts';
import { isInvariantId, ownInvariants } from '../invariants/index.ts';
import { requireRevision } from '../model/index.ts';
import { ReplayEvents } from '../readers/index.ts';
import { replayText } from '../report/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { openRunner } from './open-target.ts';
import { replayAgain } from './repeat-commands.ts';
import type { ReportOptions } from './report-option.ts';
import { withReports, type ReportHooks } from './reports.ts';
import type { PluginOptions, RunnerOptions } from './target-options.ts';
import { usePlugins } from './use-plugins.ts';
import { caseFile } from './shipped-regressions.ts';
import { tryInput } from './try-input.ts';
import { writeOut } from './write-out.ts';

/** The options of `barproof replay` as commander reads them. */
export interface ReplayOptions extends RunnerOptions, ReportOptions, PluginOptions {
  readonly revision?: string;
}

/** Runs the cases of files again, judges them, and compares the runs with what the files record. */
export const replay = (
  files: readonly string[],
  options: ReplayOptions,
  raiseExitCode: RaiseExitCode,
): Promise<void> =>
  withReports('replay', options, raiseExitCode, (hooks) => replayAll(files, options, hooks));

async function replayAll(
  files: readonly string[],
  options: ReplayOptions,
  { signal, emit, raise }: ReportHooks,
): Promise<void> {
  const { revision: id, target, plugin } = options;
  if (plugin !== undefined) await usePlugins(plugin);
  if (id !== undefined) requireRevision(id, '--revision');
  const runner = await openRunner(options);
  const events = new ReplayEvents(emit, (file) => replayAgain([file], options));
  events.start({ files: files.length, revision: id, target, again: replayAgain(files, options) });
  try {
    for (const file of files) {
      if (signal.aborted) break;
      const problems = await tryInput(file, raise, async () => {
        const loaded = loadCase(caseFile(file));
        requireJudge(loaded.regression?.invariant);
        const replayed = await replayCase(loaded, (scenario) =>
          runner.run(scenario, requireRevision(id ?? scenario.revision)),
        );
        if (!options.json && !options.mail) await writeOut(replayText(file, replayed));
        events.add(file, replayed);
        if (replayed.isCounterexample) raise(ExitCode.COUNTEREXAMPLE);
      });
      if (problems !== undefined) events.fail(file, problems);
      // The interrupt of the user is told between two cases.
      await new Promise(setImmediate);
    }
    if (signal.aborted) {
      emit({ type: 'interrupted' });
      raise(ExitCode.COULD_NOT_RUN);
    }
    events.finish();
  } finally {
    await runner.close();
  }
}

/** @throws InvalidInput for the invariant of a plugin that is not loaded: nothing would judge the case, and it would seem to hold. */
function requireJudge(invariant: string | undefined): void {
  if (invariant === undefined || isInvariantId(invariant)) return;
  if (ownInvariants().some(({ id }) => id === invariant)) return;
  const message = `no invariant of barproof is called "${invariant}"; name the file that defines it with --plugin`;
  throw new InvalidInput([{ path: 'invariant', message }]);
}
