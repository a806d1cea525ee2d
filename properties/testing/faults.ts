/**
 * Switches for faults in functions of the engine, which a test replaces by `vi.mock`. They have a file of their own
 * because a mock may import nothing of the engine.
 */
export const faults = {
  /** Flat ranges that begin alike count as equal (SV-01). */
  equalityIgnoresLength: false,
  /** Neighbouring flat ranges are never merged. */
  neverMerges: false,
  /** Neighbouring flat ranges of different regions are merged. */
  mergesDifferentRegions: false,
};
