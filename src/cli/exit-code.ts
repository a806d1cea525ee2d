/** What the exit code says: every invariant holds, one is broken, or nothing could be said. */
export const ExitCode = { HOLDS: 0, COUNTEREXAMPLE: 1, COULD_NOT_RUN: 2 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** How a command tells its exit code; of several, the highest counts. */
export type Conclude = (code: ExitCode) => void;
