import type { InvariantId } from '../invariants/index.ts';
import type { TargetOptions } from './target-options.ts';

/** The options of `barproof check` as commander reads them. */
export interface CheckCommandOptions extends TargetOptions {
  readonly seed: string;
  readonly runs?: number;
  readonly revision: string;
  readonly invariant?: InvariantId;
  readonly strict?: true;
  readonly save: boolean;
  readonly regressions: string;
}
