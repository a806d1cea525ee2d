import { definePatch } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'mmio-map-not-fatal', cause: 'refused-map' } as const;

/** The invariants that it breaks. */
export const breaks = ['mmio-map-not-fatal', 'no-abort'];

export default definePatch({
  name: 'ch-05',
  title: 'A BAR beyond the width of the IOMMU ends the VM',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor pull 7030, commit f0c1f8d079d9, 16 April 2025',
  listener: { deviceMemoryFailure: 'fatal' },
});
