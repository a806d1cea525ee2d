import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'unaligned' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['memslot-aligned-disjoint', 'no-abort', 'msix-trapped'];

export default definePatch({
  name: 'ch-02',
  title: 'A BAR smaller than a page gets a memslot of its own size',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor pull 7939, commit 23a980cd5413, 31 March 2026',
  device: { subPageSize: (barSize) => barSize },
  memslots: (base) => ({
    span: (section, pages, change) =>
      section.region.isRamDevice && section.region.size < pages.host
        ? { start: section.start, size: section.size }
        : base.span(section, pages, change),
  }),
});
