import { definePatch, offset, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'not-backed' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['memslot-aligned-disjoint', 'memslot-complete', 'access-dispatched', 'no-abort'];

export default definePatch({
  name: 'hv-01',
  title: 'The guest address of a BAR overwrites the address of the memory behind it',
  base: 'qemu-11.1',
  source: 'hvisor pull 264, 3 March 2026',
  memslots: (base) => ({
    span: (section, pages, change) => {
      const span = base.span(section, pages, change);
      return span === undefined || !section.region.isRamDevice ? span : { ...span, offset: offset(span.start) };
    },
  }),
});
