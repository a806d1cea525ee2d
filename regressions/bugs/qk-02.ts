import { definePatch, offset } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'asked-not-backed' } as const;

/** The invariants that it breaks. */
export const breaks = ['memslot-aligned-disjoint', 'no-abort', 'msix-trapped'];

export default definePatch({
  name: 'qk-02',
  title: 'The host address of a memslot is moved by the wrong distance',
  base: 'qemu-11.1',
  source: 'QEMU commit bbfd3017eb0a, 16 October 2017',
  memslots: (base) => ({
    span: (section, pages, change) => {
      const span = base.span(section, pages, change);
      if (span === undefined) return undefined;
      const moved = span.start - section.start;
      return { ...span, offset: offset(section.offset >= moved ? section.offset - moved : 0n) };
    },
  }),
});
