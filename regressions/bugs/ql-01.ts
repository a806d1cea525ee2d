import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-unmap-symmetric', cause: 'overlapping-map' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'map-unmap-symmetric',
  'no-abort',
  'map-matches-view',
  'ram-reachable',
  'incremental-equals-scratch',
  'memslot-aligned-disjoint',
  'guest-page-reachable',
  'msix-trapped',
];

export default definePatch({
  name: 'ql-01',
  title: 'Ranges are announced while an older mapping still covers part of them: EBUSY in the VGA area',
  base: 'qemu-11.1',
  source: 'QEMU commit 12af1344871a, 8 October 2012; the order of events is inferred',
  memory: { passes: 'additions-first' },
});
