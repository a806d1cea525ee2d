import type { InvariantId } from '../invariants/index.ts';
import type { ReportOptions } from './report-option.ts';
import type { PluginOptions, SearchSpaceOptions } from './target-options.ts';

/** The options of `barproof check` as commander reads them. */
export interface CheckCommandOptions extends SearchSpaceOptions, ReportOptions, PluginOptions {
  readonly seed: string;
  readonly runs?: number;
  /** The newest QEMU if there is none. */
  readonly revision?: string;
  readonly invariant?: InvariantId;
  readonly strict?: true;
  readonly save: boolean;
  readonly regressions: string;
}

/** How many cases are generated without `--runs`, by target. */
export const DEFAULT_CHECK_RUNS = { model: 20_000, qemu: 500 } as const;
