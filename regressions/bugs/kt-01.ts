import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'unaligned' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['memslot-aligned-disjoint', 'no-abort', 'msix-trapped'];

export default definePatch({
  name: 'kt-01',
  title: 'A BAR smaller than a page gets a memslot even off a page boundary',
  base: 'qemu-11.1',
  source: 'kvmtool commit b4fc4f605fc6, 14 May 2020',
  device: { subPageSize: (_barSize, _address, hostPageSize) => hostPageSize },
  memslots: (base) => ({
    span: (section, pages, change) =>
      section.region.isRamDevice && section.region.size === pages.host
        ? { start: section.start, size: section.size }
        : base.span(section, pages, change),
  }),
});
