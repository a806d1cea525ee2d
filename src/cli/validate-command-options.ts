import type { CChange, TreeOptions } from './patch-source.ts';
import type { ReportOptions } from './report-option.ts';
import type { InterfaceChoice } from './target-options.ts';

/** The options that choose the two sides of a verdict. */
export interface SideOptions extends TreeOptions {
  readonly base?: string;
  readonly qemu?: string;
  readonly qemuBase?: string;
  readonly interface?: InterfaceChoice;
  readonly realistic?: true;
  /** Whether a patch in C that no case runs may have a verdict. */
  readonly allowUnreached?: true;
  /** What the file holds, where it is C and not a patch file of the model. */
  readonly change?: CChange | undefined;
}

/** What the user asks `barproof validate` for. */
export interface ValidateCommandOptions extends SideOptions, ReportOptions {
  readonly seed: string;
  readonly runs?: number;
  readonly save: boolean;
  readonly regressions: string;
}

/** How many cases are generated without `--runs` at most, by target. */
export const DEFAULT_VALIDATE_RUNS = { model: 20_000, qemu: 200 } as const;

/**
 * When the model has run enough cases without `--runs`. A patch may break a second, rare thing. At the measured rates
 * (regressions/bugs/results.ndjson) 4,000 more cases miss the rarest known bug in 3 % of searches, 6,000 in 0.5 % and 8,000 in
 * 0.1 %; 1,000 cases take about 1.2 seconds of a CPU. Some of the patches in regressions/patches break their only case
 * later, so a search that has found nothing goes on for twice as long.
 */
export const VALIDATE_PATIENCE = { afterNews: 6000, withoutBreak: 12_000 } as const;
