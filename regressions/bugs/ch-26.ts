import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The rule is that of `ch-05`; the configuration is another: iommufd maps no BAR by its host address, on any kernel.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'mmio-map-not-fatal', cause: 'refused-map' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['mmio-map-not-fatal', 'no-abort'];

export default definePatch({
  name: 'ch-26',
  title: 'iommufd refuses BARs that are not dma-bufs, and that ends the VM',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 8895, 18 September 2026',
  device: { exportsDmaBuf: false },
  listener: { deviceMemoryFailure: 'fatal' },
});
