import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmap-inside-bar', cause: 'not-granted' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmap-inside-bar'];

export default definePatch({
  name: 'qp-03',
  title: 'A sparse capability with only empty areas is treated as no capability',
  base: 'qemu-11.1',
  source: 'QEMU commit 24acf72b9a29, 31 October 2016',
  device: (base) => ({
    sparseAreas: (areas, bar) =>
      areas.every(({ size }) => size === 0n) ? undefined : base.sparseAreas(areas, bar),
  }),
});
