import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmio-map-not-fatal', cause: 'refused-map-in-top-half' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmio-map-not-fatal', 'no-abort', 'map-aligned', 'map-unmap-symmetric'];

export default definePatch({
  name: 'seed-04',
  title: 'Sizing an enabled 64-bit BAR leads to mappings at the top of the address space',
  base: 'qemu-2.11',
  source: 'QEMU commit d3a2fd9b29e4, 16 January 2014',
  // No section is skipped. On QEMU 2.11 a refused map of device memory is fatal.
  listener: { skip: () => undefined },
});
