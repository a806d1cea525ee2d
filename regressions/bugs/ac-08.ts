import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["incremental-equals-scratch"];

export default definePatch({
  name: 'ac-08',
  title: "A BAR above 4 GiB is not mapped",
  base: 'qemu-11.1',
  source: "ACRN issue 4458, pull 4459, 4 March 2020",
  pci: ({ decodeBar }) => ({
    decodeBar: (type, register, size, addressZeroAllowed) => {
      const decoding = decodeBar(type, register, size, addressZeroAllowed);
      const isHigh = decoding.address !== undefined && decoding.address >= 1n << 32n;
      return isHigh ? { unmapped: 'wraps' } : decoding;
    },
  }),
});
