import { seedV2 } from './seed-v2.ts';
import { withSkipRule } from './skip-rules.ts';
import type { Revision } from '../revision.ts';

/** "[PATCH qemu] spapr_pci: Alias MMIO windows to PHB address space": the DMA listener sees device memory. */
export const phbMmioAlias: Revision = {
  ...seedV2,
  id: 'seed-v2+phb-mmio-alias',
  title: 'The seed patch, with the MMIO windows shown in the sPAPR DMA space for peer-to-peer',
  source: 'seed thread, A. Kardashevskiy, 19 January 2018',
  machine: { ...seedV2.machine, mmioInPhbDmaSpace: true },
};

/** The same, with a machine option that keeps device memory out of VFIO_IOMMU_MAP_DMA. */
export const noMmioDmaMap = withSkipRule(
  phbMmioAlias,
  {
    id: 'seed-v2+no-mmio-dma-map',
    title: 'MMIO windows in the sPAPR DMA space, and a machine option that leaves MMIO unmapped',
    source: 'seed thread, A. Kardashevskiy, January 2018',
  },
  (section, { iommuType }) =>
    section.region.isRamDevice && iommuType === 'spapr-tce-v2' ? 'no-mmio-dma-map' : undefined,
);
