import { structure } from './structure.ts';

/** struct vfio_iommu_spapr_register_memory of Linux include/uapi/linux/vfio.h. */
export const REGISTER_MEMORY = structure({ argsz: 'u32', flags: 'u32', vaddr: 'u64', size: 'u64' });

/** struct vfio_iommu_spapr_tce_info with its struct vfio_iommu_spapr_tce_ddw_info. */
export const SPAPR_INFO = structure({
  ...{ argsz: 'u32', flags: 'u32', dma32_window_start: 'u32', dma32_window_size: 'u32' },
  ...{ pgsizes: 'u64', max_dynamic_windows_supported: 'u32', levels: 'u32' },
});

/** struct vfio_iommu_spapr_tce_create. */
export const TCE_CREATE = structure({
  ...{ argsz: 'u32', flags: 'u32', page_shift: 'u32', resv1: 'u32' },
  ...{ window_size: 'u64', levels: 'u32', resv2: 'u32', start_addr: 'u64' },
});

/** struct vfio_iommu_spapr_tce_remove. */
export const TCE_REMOVE = structure({ argsz: 'u32', flags: 'u32', start_addr: 'u64' });
