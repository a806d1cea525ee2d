import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'not-backed' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'memslot-aligned-disjoint',
  'memslot-complete',
  'no-abort',
  'access-dispatched',
  'msix-trapped',
];

export default definePatch({
  name: 'qm-03',
  title: 'Flash that changes between its contents and its registers counts as unchanged',
  base: 'qemu-11.1',
  source: 'QEMU commit b138e654a052, 24 May 2016, which reverts 5b5660adf1fd',
  memory: {
    sameRange: (a, b) =>
      a.region === b.region &&
      a.start === b.start &&
      a.end === b.end &&
      a.offset === b.offset &&
      a.readonly === b.readonly &&
      a.nonvolatile === b.nonvolatile,
  },
});
