import { definePatch, offset, type InvariantId } from 'barproof';

export { default as before } from './hosts/kernel-before-4.6.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'msix-page' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmap-inside-bar', 'no-abort'];

export default definePatch({
  name: 'qp-02',
  title: 'The end of the MSI-X table is computed in 32 bits',
  base: 'qemu-11.1',
  source: 'QEMU commits 29c6e6df492d, 9 January 2015, and 07ceaf988005, 28 April 2015',
  device: (base) => ({
    fixUpAreas: (areas, layout, context) => {
      const cut = base.fixUpAreas(areas, layout, context);
      const end = layout.tableOffset + 16n * BigInt(layout.vectors);
      // A table that ends at 4 GiB has the 32-bit end 0, so the area behind the table begins at 0.
      if (end !== 1n << 32n || cut === areas) return cut;
      return [...cut.slice(0, 1), { offset: offset(0n), size: context.regionSize }];
    },
  }),
});
