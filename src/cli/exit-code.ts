/**
 * The exit codes: every invariant holds, a counterexample was found, or barproof could not judge. The last two are for
 * `git bisect run`: the commit cannot be tested, and the bisection makes no sense.
 */
export const ExitCode = {
  HOLDS: 0,
  COUNTEREXAMPLE: 1,
  COULD_NOT_RUN: 2,
  SKIP_COMMIT: 125,
  END_BISECTION: 128,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Raises the exit code of the program to `code`; a lower code than before is ignored. */
export type RaiseExitCode = (code: ExitCode) => void;
