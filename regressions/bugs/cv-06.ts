import { VmmAbort, definePatch, type InvariantId } from 'barproof';

const OVERFLOW = 'attempt to subtract with overflow: the PBA lies before the table';

export { default as before } from './hosts/kernel-before-4.6.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'subtract-overflow' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'cv-06',
  title: 'A PBA before the table makes a subtraction underflow when the VMM cuts the mmap areas',
  base: 'qemu-11.1',
  source: 'crosvm commit e892738ed67b, 16 November 2021',
  device: (base) => ({
    fixUpAreas: (areas, layout, context) => {
      const { tableBar, tableOffset, pbaBar, pbaOffset } = layout;
      // crosvm computes the table's length as the unsigned difference of the offsets of PBA and table.
      if (tableBar === pbaBar && pbaOffset < tableOffset) throw new VmmAbort('subtract-overflow', OVERFLOW);
      return base.fixUpAreas(areas, layout, context);
    },
  }),
});
