import { VmmAbort, definePatch, type InvariantId } from 'barproof';

export { default as before } from './hosts/own-pba.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'pba-without-write-callback' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort', 'access-dispatched'];

export default definePatch({
  name: 'qp-10',
  title: 'A write to the PBA calls a function that is not there; the table refuses 8 bytes',
  base: 'qemu-11.1',
  source: 'QEMU commits 43b11a91dd86, 26 June 2015, and 191f90cbea08, 14 May 2020',
  access: (base) => ({
    accepts: (structure, access, size) => {
      if (structure === 'pba' && access.write)
        throw new VmmAbort('pba-without-write-callback', 'msix_pba_mmio_ops has no callback for writes');
      return access.width !== 8 && base.accepts(structure, access, size);
    },
  }),
});
