import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'sized-wrong' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware'];

export default definePatch({
  name: 'rom-11',
  title: "A guest can write address bits below the expansion ROM's size",
  base: 'qemu-11.1',
  source: 'Xen (ioemu) commit 02c55540b888: fix writing handlers for base address registers',
  pci: { romWritableBits: () => 0xffff_f801n },
});
