import type { Scenario } from '../scenario/index.ts';
import type { Target } from './target.ts';

/** A target opened for a search or a comparison. The caller closes it. */
export interface SearchTarget extends Target {
  /** What the user has to know before the first run, one line each; empty for the model. */
  readonly notes: readonly string[];
  /** Whether traces carry the model's run of the same scenario, so that `model-agrees` can be checked. */
  readonly comparesWithModel: boolean;
  /** Whether the target can run the scenario. */
  canRun(scenario: Scenario): Promise<boolean>;
  close(): Promise<void>;
}
