import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-aligned', cause: 'bar-fragment-unaligned' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-aligned', 'mmio-map-not-fatal', 'no-abort', 'map-unmap-symmetric'];

export default definePatch({
  name: 'seed-01',
  title: 'ConnectX-4 on a 64K host: the head of a BAR, smaller than a page, reaches MAP_DMA and ends the VMM',
  base: 'qemu-11.1',
  source: 'QEMU; message 20171215062914.27927-1-aik@ozlabs.ru and the report of 5 January 2018',
  // QEMU trims to the emulated CPU's page, does not test the IOMMU's page, and dies when the kernel refuses a map.
  listener: {
    alignment: ({ target }) => target,
    mapsDeviceMemory: () => true,
    deviceMemoryFailure: 'fatal',
  },
});
