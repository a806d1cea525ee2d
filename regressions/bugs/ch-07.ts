import { definePatch, type InvariantId } from 'barproof';

const SMALL_PAGE = 0x1000n;

export { default as before } from './hosts/kernel-before-4.6.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'msix-page' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmap-inside-bar', 'memslot-aligned-disjoint', 'no-abort'];

export default definePatch({
  name: 'ch-07',
  title: 'On a 64K host, mmaps around the MSI-X table and memslots use pages of 4K',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 5292, commits eca75dcfc9ba and a7187168310f, May 2023',
  device: (base) => ({
    fixUpAreas: (areas, layout, context) =>
      base.fixUpAreas(areas, layout, { ...context, hostPageSize: SMALL_PAGE }),
  }),
  memslots: (base) => ({
    span: (section, pages, change) =>
      base.span(section, section.region.isRamDevice ? { ...pages, host: SMALL_PAGE } : pages, change),
  }),
});
