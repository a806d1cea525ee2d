import type { Scenario } from '../scenario/index.ts';
import type { Trace } from './trace.ts';

/** Something that scenarios can be run on: the model, or a real VMM. */
export interface Target {
  /** `model`, or what the real VMM calls itself. */
  readonly name: string;
  /**
   * Carries out the scenario and tells what was seen. Fails only where the target itself does not work.
   *
   * @throws NotRunnable when the scenario is none for this target.
   */
  run(scenario: Scenario): Trace | Promise<Trace>;
}
