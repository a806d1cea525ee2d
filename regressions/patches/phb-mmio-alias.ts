// "[PATCH qemu] spapr_pci: Alias MMIO windows to PHB address space", A. Kardashevskiy, 19 January 2018.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'phb-mmio-alias',
  title: 'Show the MMIO windows in the sPAPR DMA space, for peer-to-peer DMA on POWER',
  source: 'seed thread, A. Kardashevskiy, 19 January 2018',
  base: 'seed-v2',
  machine: { mmioInPhbDmaSpace: true },
});
