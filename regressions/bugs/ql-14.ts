import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-matches-view', cause: 'tracked-gap' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["map-matches-view"];

export default definePatch({
  name: 'ql-14',
  title: "Dirty-tracking range includes the gap up to a relocated 64-bit PCI hole",
  base: 'qemu-11.1',
  source: "QEMU commit \"vfio/common: Separate vfio-pci ranges\", pull of 11 September 2023",
  listener: { dirtyRange: (_section, { start, size }) => (start + size <= 1n << 32n ? 'below 4 GiB' : 'above 4 GiB') },
});
