import { definePatch, type InvariantId } from 'barproof';

/** The bytes of 32 bits in the other order. */
const swapped = (value: bigint): bigint =>
  ((value & 0xffn) << 24n) | ((value & 0xff00n) << 8n) | ((value >> 8n) & 0xff00n) | ((value >> 24n) & 0xffn);

const ADDRESS = 0xffff_f800n;

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The report is of a host of POWER. A rule does not know the byte order of the host, so here every host has the wrong one.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'rom-size-assertion' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort', 'bar-as-hardware'];

export default definePatch({
  name: 'rom-02',
  title: "The mask that sizes the expansion ROM is in the host's byte order",
  base: 'qemu-11.1',
  source: 'QEMU commit b1c50c5f2488, 4 October 2013: vfio-pci: Fix endian issues in vfio_pci_size_rom()',
  device: {
    romSize: ({ size }) => {
      // A big-endian host writes the mask as it is, and takes what it reads as it is.
      const register = swapped(ADDRESS) & (BigInt.asUintN(32, -size) | 1n);
      return BigInt.asUintN(32, -(swapped(register) & ADDRESS));
    },
  },
});
