import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'window-limit', cause: 'window-for-mmio' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['window-limit', 'no-abort', 'mmio-map-not-fatal', 'map-unmap-symmetric'];

export default definePatch({
  name: 'seed-03',
  title: 'MMIO shown in the sPAPR DMA space needs a window a BAR, and there are two',
  base: 'qemu-11.1',
  source: 'QEMU; A. Kardashevskiy, 19 January 2018: "spapr_pci: Alias MMIO windows to PHB address space"',
  machine: { mmioInPhbDmaSpace: true },
});
