import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'write-lost' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware'];

export default definePatch({
  name: 'rom-07',
  title: 'A write that moves an enabled expansion ROM is ignored',
  base: 'qemu-11.1',
  source: 'Xen, vpci; commit 7abd7bc1626d mends the half about devices that always decode',
  pci: {
    // Only a write that disables the ROM counts while the ROM is enabled.
    acceptsRomWrite: (value, isEnabled) => !isEnabled || (value & 1) === 0,
  },
});
