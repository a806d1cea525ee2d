import { describe, expect, it } from 'vitest';
import type { InvariantId } from '../invariants/index.ts';
import type { CauseTally } from './compare.ts';
import { inOrder } from './verdict-findings.ts';

const tally = (invariant: InvariantId, both: number, broken: number): CauseTally => ({
  invariant,
  cause: 'of-the-test',
  cases: { both, fixed: 0, hidden: 0, broken, swapped: 0, uncovered: 0 },
  first: {},
  fixedBy: new Map(),
});

describe('the cause that names a finding', () => {
  it('is one that the base never shows rather than one that it shows in fewer cases', () => {
    const tallies = [
      tally('guest-page-reachable', 0, 9),
      tally('map-aligned', 129, 1),
      tally('incremental-equals-scratch', 0, 514),
      tally('no-abort', 5, 1),
    ];
    expect(inOrder(tallies).map(({ invariant }) => invariant)).toEqual([
      'incremental-equals-scratch',
      'map-aligned',
      'no-abort',
      'guest-page-reachable',
    ]);
  });
});
