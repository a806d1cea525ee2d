import type { KernelRules } from './kernel-rules.ts';
import { linux6_18 } from './linux-6.18.ts';

/** vfio-pci exports a BAR as a dma-buf, which iommufd maps (host facts 11 and B1 to B12). */
export const linux6_19: KernelRules = {
  ...linux6_18,
  iommufd: { ...linux6_18.iommufd!, mapsDmaBufOfBar: true },
};
