import * as library from '../index.ts';
import { InvalidInput, prefixProblems } from '../input/index.ts';
import { requireRevision, type ScenarioRunner } from '../model/index.ts';
import {
  baseOfPatch,
  FaultyRun,
  loadPatch,
  placeIn,
  runPatched,
  type PatchedRun,
} from '../validate/index.ts';
import type { Trace } from '../trace/index.ts';
import { PatchThread } from './patch-thread.ts';

/**
 * Runs single scenarios on the model with a patch on their revision.
 *
 * @param file the patch file.
 * @throws InvalidInput when the file is no patch.
 */
export function openPatchedRunner(file: string): ScenarioRunner {
  const loaded = prefixProblems(file, () => loadPatch(file, { barproof: library }));
  const runs = new Map<string, PatchedRun>();
  const runOn = (id: string): PatchedRun => {
    const put = (): PatchedRun =>
      runPatched(loaded.patch, baseOfPatch(loaded, requireRevision(id, '--patch')));
    const known = runs.get(id) ?? prefixProblems(file, put);
    runs.set(id, known);
    return known;
  };
  return {
    run: async (scenario, { id }) => {
      const { run, guard } = runOn(id);
      try {
        return guard(() => run(scenario));
      } catch (error) {
        if (!(error instanceof FaultyRun)) throw error;
        const message = `${error.fault.message}${placeIn(error.fault.cause, loaded.files)}`;
        throw new InvalidInput([{ path: file, message }]);
      }
    },
    close: () => Promise.resolve(),
  };
}

/** As `openPatchedRunner`, with the patch in a thread of its own. */
export function openPatchedRunnerInThread(file: string): ScenarioRunner {
  const thread = new PatchThread<Trace>({ file }, (text) => process.stderr.write(text));
  return {
    run: (scenario, { id: revision }) => thread.answer({}, { kind: 'run', scenario, revision }),
    close: () => thread.close(),
  };
}
