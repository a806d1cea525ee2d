import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark =
  'The first half, a window of 2 GiB on POWER, shows only when a guest maps through its own IOMMU. This is the second half, on the release in which a refusal of device memory could still end the VMM; `ch-05` is the same rule on the newest one.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'mmio-map-not-fatal', cause: 'refused-map' } as const;

/** The invariants that it breaks. */
export const breaks = ['mmio-map-not-fatal', 'no-abort'];

export default definePatch({
  name: 'ql-08',
  title: 'A 39-bit IOMMU: a BAR beyond its reach ends the VMM',
  base: 'qemu-2.12',
  source: 'QEMU commits 3898aad32347, 30 September 2015, and aaec00422ba6, 6 February 2025',
  listener: { deviceMemoryFailure: 'fatal' },
});
