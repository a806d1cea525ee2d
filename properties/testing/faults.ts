/**
 * Switches for faults in functions of the engine's modules, which a test replaces by `vi.mock`. Here and not beside
 * the mutants: what a mock looks at must import nothing of the engine.
 */
export const faults = {
  /** Ranges of a view are the same when they begin alike (SV-01). */
  equalityIgnoresLength: false,
  /** Neighbouring ranges are never one. */
  neverMerges: false,
  /** Neighbouring ranges of different regions are one. */
  mergesStrangers: false,
};
