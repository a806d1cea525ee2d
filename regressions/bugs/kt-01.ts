import { definePatch } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'unaligned' } as const;

/** The invariants that it breaks. */
export const breaks = ['memslot-aligned-disjoint', 'no-abort', 'msix-trapped'];

export default definePatch({
  name: 'kt-01',
  title: 'A BAR smaller than a page gets a memslot wherever the guest puts it',
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
