import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'unaligned' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['memslot-aligned-disjoint', 'no-abort'];

export default definePatch({
  name: 'qk-03',
  title: "Memslots are made of the emulated CPU's pages, not of the host's",
  base: 'qemu-11.1',
  source: 'QEMU commits 3145fcb6057c, 4 April 2012, and b232c7857aa3, 6 October 2015',
  memslots: (base) => ({
    span: (section, pages, change) => base.span(section, { ...pages, host: pages.target }, change),
  }),
});
