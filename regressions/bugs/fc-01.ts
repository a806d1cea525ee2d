import { VmmAbort, alignUp, definePatch, type InvariantId } from 'barproof';

const OVERFLOW = 'attempt to subtract with overflow: the page of the table goes beyond the BAR';

export { default as before } from './hosts/kernel-before-4.6.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'subtract-overflow' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'fc-01',
  title: 'The length behind the page of the table underflows in a BAR that ends within that page',
  base: 'qemu-11.1',
  source: 'firecracker pull 6183, 16 September 2026',
  device: (base) => ({
    fixUpAreas: (areas, layout, context) => {
      const { regionSize, hostPageSize } = context;
      const end = alignUp(layout.tableOffset + 16n * BigInt(layout.vectors), hostPageSize);
      if (end > regionSize) throw new VmmAbort('subtract-overflow', OVERFLOW);
      return base.fixUpAreas(areas, layout, context);
    },
  }),
});
