import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmio-map-not-fatal', cause: 'refused-map' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmio-map-not-fatal', 'no-abort'];

export default definePatch({
  name: 'ch-05',
  title: 'A BAR beyond the width of the IOMMU ends the VM',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor pull 7030, commit f0c1f8d079d9, 16 April 2025',
  listener: { deviceMemoryFailure: 'fatal' },
});
