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
 * When the model has run enough cases without `--runs`. Each search for a known bug found it within 3,000 cases
 * (regressions/bugs/results.ndjson); some of the patches in regressions/patches break a rare case only later.
 */
export const VALIDATE_PATIENCE = { afterNews: 4000, withoutBreak: 12_000 } as const;
