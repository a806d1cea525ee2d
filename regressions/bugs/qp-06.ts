import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-trapped', cause: 'shadowed-by-page-of-bar' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'msix-trapped',
  'memslot-aligned-disjoint',
  'map-unmap-symmetric',
  'map-aligned',
  'no-abort',
  'map-matches-view',
];

export default definePatch({
  name: 'qp-06',
  title: 'A BAR stretched to a page keeps its priority and hides its neighbours',
  base: 'qemu-11.1',
  source: 'QEMU; commit 95251725e335, 31 October 2016, avoids the bug',
  device: { stretchedPriority: 1 },
});
