import type { InvariantId } from '../invariants/index.ts';
import type { HostWish } from '../linux/index.ts';
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

/** How many cases are generated without `--runs`, by target. A session takes a third of a second on a real kernel. */
export const DEFAULT_CHECK_RUNS = { model: 20_000, qemu: 500, linux: 500 } as const;

/** The options of `barproof check --target linux`. Those of the other targets make no sense there, and are refused. */
export interface CheckLinuxOptions extends Omit<CheckCommandOptions, 'target'>, HostWish {
  readonly target: 'linux';
}
