/** The exit codes: every invariant holds, a counterexample was found, or barproof could not judge. */
export const ExitCode = { HOLDS: 0, COUNTEREXAMPLE: 1, COULD_NOT_RUN: 2 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Raises the exit code of the program to `code`; a lower code than before is ignored. */
export type RaiseExitCode = (code: ExitCode) => void;
