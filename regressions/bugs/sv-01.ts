import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-matches-view', cause: 'too-long' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'map-matches-view',
  'map-unmap-symmetric',
  'no-abort',
  'memslot-aligned-disjoint',
  'ram-reachable',
  'incremental-equals-scratch',
  'guest-page-reachable',
  'msix-trapped',
  'memslot-complete',
];

export default definePatch({
  name: 'sv-01',
  title: 'A range whose size alone changes is treated as unchanged',
  base: 'qemu-11.1',
  source: 'StratoVirt commit c70d4f396d74, 23 December 2022',
  memory: { sameRange: (before, after) => before.start === after.start && before.region === after.region },
});
