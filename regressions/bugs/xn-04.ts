import { alignDown, definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-needless-change', cause: 'mapped-by-probe' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-needless-change'];

export default definePatch({
  name: 'xn-04',
  title: 'A guest that writes all ones to learn the size of a BAR has the BAR mapped there',
  base: 'qemu-11.1',
  source: "qemu-xen commit cdfe6bd8f164: pci bar remapping when the guest probes with all ones",
  pci: ({ decodeBar }) => ({
    decodeBar: (type, register, size, addressZeroAllowed) => {
      const decoding = decodeBar(type, register, size, addressZeroAllowed);
      const address = alignDown(register, size);
      const isProbe = type === 'mem32' && decoding.address === undefined && address + size === 1n << 32n;
      return isProbe ? { address } : decoding;
    },
  }),
});
