import { definePatch } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'window-limit', cause: 'window-for-mmio' } as const;

/** The invariants that it breaks. */
export const breaks = ['window-limit', 'no-abort', 'mmio-map-not-fatal', 'map-unmap-symmetric'];

export default definePatch({
  name: 'seed-03',
  title: 'MMIO shown in the sPAPR DMA space needs a window a BAR, and there are two',
  base: 'qemu-11.1',
  source: 'QEMU; A. Kardashevskiy, 19 January 2018: "spapr_pci: Alias MMIO windows to PHB address space"',
  machine: { mmioInPhbDmaSpace: true },
});
