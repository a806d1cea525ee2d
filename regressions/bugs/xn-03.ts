import { alignUp, definePatch, type InvariantId } from 'barproof';

export { default as before } from './hosts/kernel-before-4.6.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'msix-page' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmap-inside-bar'];

export default definePatch({
  name: 'xn-03',
  title: 'The page count of the table ignores its offset in the first page, so its last page is not trapped',
  base: 'qemu-11.1',
  source: 'Xen commit 74c213c506af',
  device: (base) => ({
    fixUpAreas: (areas, layout, context) => {
      const { hostPageSize } = context;
      const size = alignUp(16n * BigInt(layout.vectors), hostPageSize);
      const start = layout.tableOffset - (layout.tableOffset % hostPageSize);
      // Xen protects as many pages as the size of the table needs, from the page in which the table begins.
      const vectors = Number((start + size - layout.tableOffset) / 16n);
      return base.fixUpAreas(areas, { ...layout, vectors: Math.min(vectors, layout.vectors) }, context);
    },
  }),
});
