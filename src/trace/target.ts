import type { Scenario } from '../scenario/index.ts';
import type { Trace } from './trace.ts';

/** Runs scenarios: the model, or a real VMM. */
export interface Target {
  /** `model`, or the name and version of the real VMM. */
  readonly name: string;
  /**
   * Runs the scenario and returns its trace. A refused device or a VMM that dies is an outcome, not an error.
   *
   * @throws NotRunnable when this target cannot run the scenario.
   * @throws TargetUnavailable when the target cannot be used on this host.
   */
  run(scenario: Scenario): Trace | Promise<Trace>;
}
