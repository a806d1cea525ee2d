import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'In the report the ROM of a graphics card can be read once the card is reset. Here the host never lets it be read.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'missing-rom' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware', 'no-abort'];

export default definePatch({
  name: 'rom-01',
  title: 'The expansion ROM gets the size of what can be read when QEMU starts',
  base: 'qemu-11.1',
  source: 'QEMU commit 6f864e6ec881, 2 October 2013: vfio-pci: Lazy PCI option ROM loading',
  device: { romSize: ({ contents }) => contents },
});
