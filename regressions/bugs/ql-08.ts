import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The first half of the report, a window of 2 GiB on POWER, shows only when a guest maps through its own IOMMU. This is the second half, on a release that dies when the host refuses device memory; `ch-05` is the same rule on the newest release.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmio-map-not-fatal', cause: 'refused-map' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmio-map-not-fatal', 'no-abort'];

export default definePatch({
  name: 'ql-08',
  title: 'A 39-bit IOMMU: a BAR beyond its reach ends the VMM',
  base: 'qemu-2.12',
  source: 'QEMU commits 3898aad32347, 30 September 2015, and aaec00422ba6, 6 February 2025',
  listener: { deviceMemoryFailure: 'fatal' },
});
