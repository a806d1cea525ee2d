import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'window-limit', cause: 'ram-outside-aperture' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['window-limit'];

export default definePatch({
  name: 'kt-03',
  title: 'RAM is mapped over addresses that the IOMMU keeps for interrupts',
  base: 'qemu-11.1',
  source: 'kvmtool commit 41d773e2070a, 18 June 2018',
  // The VMM ignores the reserved ranges, and so did the kernels of 2018.
  host: { checksApertures: false },
});
