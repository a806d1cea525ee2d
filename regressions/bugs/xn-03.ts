import { alignUp, definePatch, type InvariantId } from 'barproof';

export { default as before } from './hosts/kernel-before-4.6.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'msix-page' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmap-inside-bar'];

export default definePatch({
  name: 'xn-03',
  title: 'The table is taken to begin at a page boundary: one page of it too few',
  base: 'qemu-11.1',
  source: 'Xen commit 74c213c506af',
  device: (base) => ({
    fixUpAreas: (areas, layout, context) => {
      const { hostPageSize } = context;
      const size = alignUp(16n * BigInt(layout.vectors), hostPageSize);
      const start = layout.tableOffset - (layout.tableOffset % hostPageSize);
      // The same table, ended after as many pages as its size has.
      const vectors = Number((start + size - layout.tableOffset) / 16n);
      return base.fixUpAreas(areas, { ...layout, vectors: Math.min(vectors, layout.vectors) }, context);
    },
  }),
});
