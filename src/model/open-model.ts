import type { Scenario } from '../scenario/index.ts';
import type { SearchTarget, Trace } from '../trace/index.ts';
import { runOnModel } from './model-target.ts';
import { unsuitable } from './require-revision.ts';
import type { AnyRevision } from './revisions.ts';

/** Opens the model of `revision` for a search. The revision that a scenario names is ignored. */
export const openModel = (revision: AnyRevision): SearchTarget => ({
  name: 'model',
  notes: [],
  comparesWithModel: false,
  run: (scenario) => runOnModel(scenario, revision),
  canRun: (scenario) => Promise.resolve(unsuitable(scenario, revision).length === 0),
  close: () => Promise.resolve(),
});

/** Runs single scenarios, each exactly as it is written: on the model, or on a real QEMU. The caller closes it. */
export interface ScenarioRunner {
  /**
   * @param revision what the model runs the scenario as; a real QEMU ignores it.
   * @throws InvalidInput when the model or QEMU cannot run the scenario.
   */
  run(scenario: Scenario, revision: AnyRevision): Promise<Trace>;
  close(): Promise<void>;
}

/** Runs single scenarios on the model. */
export const openModelRunner = (): ScenarioRunner => ({
  run: async (scenario, revision) => runOnModel(scenario, revision),
  close: () => Promise.resolve(),
});
