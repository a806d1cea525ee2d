import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-aligned', cause: 'small-bar-unaligned' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-aligned', 'memslot-aligned-disjoint', 'no-abort', 'map-unmap-symmetric'];

export default definePatch({
  name: 'cv-03',
  title: 'Sizes of a BAR smaller than a page are rounded neither for its memslot nor for its DMA mapping',
  base: 'qemu-11.1',
  source: 'crosvm commit e2d00176e5cd, 17 March 2021',
  device: { subPageSize: (barSize) => barSize },
  listener: (base) => ({
    mapsDeviceMemory: () => true,
    trim: (section, unit, context) =>
      section.region.isRamDevice && section.region.size < context.pages.host
        ? { start: section.start, size: section.size }
        : base.trim(section, unit, context),
  }),
  memslots: (base) => ({
    span: (section, pages, change) =>
      section.region.isRamDevice && section.region.size < pages.host
        ? { start: section.start, size: section.size }
        : base.span(section, pages, change),
  }),
});
