// Seed thread, A. Kardashevskiy, January 2018: phb-mmio-alias.ts, with a machine option that leaves MMIO unmapped.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'no-mmio-dma-map',
  title: 'Show the MMIO windows in the sPAPR DMA space, and leave device memory unmapped there',
  source: 'seed thread, A. Kardashevskiy, January 2018',
  base: 'seed-v2',
  machine: { mmioInPhbDmaSpace: true },
  listener: (base) => ({
    skip: (section, context) =>
      base.skip(section, context) ??
      (section.region.isRamDevice && context.iommuType === 'spapr-tce-v2' ? 'no-mmio-dma-map' : undefined),
  }),
});
