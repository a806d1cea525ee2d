/** The options that choose the two sides of a verdict. */
export interface SideOptions {
  readonly base?: string;
  readonly qemu?: string;
  readonly qemuBase?: string;
  readonly realistic?: true;
}

/** What the user asks `barproof validate` for. */
export interface ValidateCommandOptions extends SideOptions {
  readonly seed: string;
  readonly runs?: number;
  readonly json?: true;
  readonly save: boolean;
  readonly regressions: string;
}

/** How many cases are generated without `--runs`, by target. */
export const DEFAULT_VALIDATE_RUNS = { model: 4000, qemu: 200 } as const;
