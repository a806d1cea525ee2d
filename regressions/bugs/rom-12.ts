import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'A rule does not know which ROM is a shadow, so here the kernel shows none.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'missing-rom' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware'];

export default definePatch({
  name: 'rom-12',
  title: 'The kernel shows no expansion ROM where the ROM is a shadow in RAM',
  base: 'qemu-11.1',
  source: 'Linux, "vfio-pci: Expose shadow ROM as PCI option ROM", 2016 (4.6)',
  host: { rom: () => ({ size: 0n, contents: 0n }) },
});
