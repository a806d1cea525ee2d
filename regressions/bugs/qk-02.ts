import { definePatch, offset, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'asked-not-backed' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'memslot-aligned-disjoint',
  'no-abort',
  'msix-trapped',
  'memslot-complete',
  'access-dispatched',
];

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
