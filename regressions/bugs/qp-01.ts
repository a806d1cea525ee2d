import { definePatch, type InvariantId } from 'barproof';

const TARGET_PAGE = 0x1000n;

export { default as before } from './hosts/kernel-before-4.6.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'msix-page' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmap-inside-bar'];

export default definePatch({
  name: 'qp-01',
  title: "mmaps around the MSI-X table are cut at the emulated CPU's pages, not at the host's",
  base: 'qemu-11.1',
  source: 'QEMU commit 8d7b5a1da0e0, 17 January 2014',
  device: (base) => ({
    fixUpAreas: (areas, layout, context) =>
      base.fixUpAreas(areas, layout, { ...context, hostPageSize: TARGET_PAGE }),
  }),
});
