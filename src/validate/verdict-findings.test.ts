import { describe, expect, it } from 'vitest';
import type { InvariantId } from '../invariants/index.ts';
import type { CauseTally } from './compare.ts';
import { inOrder } from './verdict-findings.ts';

const tally = (invariant: InvariantId, both: number, broken: number, cause = 'of-the-test'): CauseTally => ({
  invariant,
  cause,
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

  it('is one that the patch shows far more often than the base, as one that the base never shows', () => {
    const tallies = [
      tally('incremental-equals-scratch', 0, 2),
      tally('ram-reachable', 2, 27),
      tally('map-aligned', 27, 27),
    ];
    expect(inOrder(tallies).map(({ invariant }) => invariant)).toEqual([
      'ram-reachable',
      'incremental-equals-scratch',
      'map-aligned',
    ]);
  });

  it('is about RAM rather than about BARs, and about flash last, however many cases show it', () => {
    const tallies = [
      tally('memslot-complete', 0, 900, 'flash-without-slot'),
      tally('memslot-complete', 0, 500, 'bar-without-slot'),
      tally('memslot-complete', 0, 20, 'ram-without-slot'),
      tally('no-abort', 5, 1, 'dma-map-ram-EINVAL'),
    ];
    expect(inOrder(tallies).map(({ cause }) => cause)).toEqual([
      'ram-without-slot',
      'bar-without-slot',
      'flash-without-slot',
      'dma-map-ram-EINVAL',
    ]);
  });
});
