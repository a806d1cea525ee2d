import type * as FlatRangeRules from '../../src/memory/flat-range.ts';
import { faults } from './faults.ts';

/** The rules of flat ranges with the faults that `faults` switches on, for `vi.mock`. */
export function withFaults(original: typeof FlatRangeRules): typeof FlatRangeRules {
  const { canMerge, flatRangesEqual } = original;
  return {
    ...original,
    flatRangesEqual: (a, b) =>
      faults.equalityIgnoresLength
        ? a.region === b.region && a.start === b.start && a.offset === b.offset
        : flatRangesEqual(a, b),
    canMerge: (left, right) =>
      !faults.neverMerges &&
      (faults.mergesDifferentRegions ? left.end === right.start : canMerge(left, right)),
  };
}
