import type { IoctlEncoding } from './ioctl-request.ts';
import { structure } from './structure.ts';

/** Structures and numbers of Linux include/uapi/linux/vfio.h. */
const VFIO_TYPE = 0x3b;
const VFIO_BASE = 100;

/** The requests of VFIO, by their names without VFIO_. */
const NUMBERS = {
  GET_API_VERSION: 0,
  CHECK_EXTENSION: 1,
  SET_IOMMU: 2,
  GROUP_GET_STATUS: 3,
  GROUP_SET_CONTAINER: 4,
  GROUP_UNSET_CONTAINER: 5,
  GROUP_GET_DEVICE_FD: 6,
  DEVICE_GET_INFO: 7,
  DEVICE_GET_REGION_INFO: 8,
  DEVICE_GET_IRQ_INFO: 9,
  DEVICE_SET_IRQS: 10,
  DEVICE_RESET: 11,
  /** Also IOMMU_SPAPR_TCE_GET_INFO, by the type of the container. */
  IOMMU_GET_INFO: 12,
  DEVICE_GET_PCI_HOT_RESET_INFO: 12,
  IOMMU_MAP_DMA: 13,
  DEVICE_PCI_HOT_RESET: 13,
  IOMMU_UNMAP_DMA: 14,
  IOMMU_ENABLE: 15,
  IOMMU_DISABLE: 16,
  DEVICE_IOEVENTFD: 16,
  DEVICE_FEATURE: 17,
  IOMMU_DIRTY_PAGES: 17,
  IOMMU_SPAPR_REGISTER_MEMORY: 17,
  DEVICE_BIND_IOMMUFD: 18,
  IOMMU_SPAPR_UNREGISTER_MEMORY: 18,
  DEVICE_ATTACH_IOMMUFD_PT: 19,
  IOMMU_SPAPR_TCE_CREATE: 19,
  DEVICE_DETACH_IOMMUFD_PT: 20,
  IOMMU_SPAPR_TCE_REMOVE: 20,
  EEH_PE_OP: 21,
} as const;

/** A request of VFIO, by its name without VFIO_. Several requests have one number, on different files. */
export type VfioRequestName = keyof typeof NUMBERS;

/** The number of a request of VFIO on an architecture. */
export const vfioRequest = (name: VfioRequestName, ioctls: IoctlEncoding): number =>
  ioctls.none(VFIO_TYPE, VFIO_BASE + NUMBERS[name]);

/** Types of a container: arguments of SET_IOMMU. */
export const VFIO_IOMMU_TYPES = { TYPE1: 1, SPAPR_TCE: 2, TYPE1v2: 3, SPAPR_TCE_v2: 7 } as const;

/** Arguments of CHECK_EXTENSION that are no type of a container: VFIO_*. */
export const VFIO_EXTENSIONS = { DMA_CC_IOMMU: 4, EEH: 5, UNMAP_ALL: 9 } as const;

/** VFIO_DMA_MAP_FLAG_*: the device's point of view. */
export const DMA_MAP_FLAGS = { READ: 1, WRITE: 2, VADDR: 4 } as const;
/** VFIO_DMA_UNMAP_FLAG_*. */
export const DMA_UNMAP_FLAGS = { GET_DIRTY_BITMAP: 1, ALL: 2, VADDR: 4 } as const;
/** VFIO_REGION_INFO_FLAG_*. */
export const REGION_INFO_FLAGS = { READ: 1, WRITE: 2, MMAP: 4, CAPS: 8 } as const;

/** VFIO_IOMMU_INFO_*: flags of struct vfio_iommu_type1_info. */
export const TYPE1_INFO_FLAGS = { PGSIZES: 1, CAPS: 2 } as const;
/** VFIO_GROUP_FLAGS_*. */
export const GROUP_FLAGS = { VIABLE: 1, CONTAINER_SET: 2 } as const;
/** VFIO_DEVICE_FLAGS_*. */
export const DEVICE_FLAGS = { RESET: 1, PCI: 2 } as const;
/** VFIO_IRQ_INFO_*. */
export const IRQ_INFO_FLAGS = { EVENTFD: 1, MASKABLE: 2, AUTOMASKED: 4, NORESIZE: 8 } as const;
/** VFIO_PCI_*_REGION_INDEX beside those of the BARs, 0 to 5, and their number. */
export const PCI_REGIONS = { ROM: 6, CONFIG: 7, VGA: 8, COUNT: 9 } as const;
/** VFIO_PCI_*_IRQ_INDEX, and their number. */
export const PCI_IRQS = { INTX: 0, MSI: 1, MSIX: 2, ERR: 3, REQ: 4, COUNT: 5 } as const;
/** Region i of a device of vfio-pci begins at offset `i << 40` of the device's file (host fact 4.1). */
export const REGION_SHIFT = 40n;

/** struct vfio_device_info. */
export const DEVICE_INFO = structure({
  ...{ argsz: 'u32', flags: 'u32' },
  ...{ num_regions: 'u32', num_irqs: 'u32', cap_offset: 'u32', pad: 'u32' },
});

/** struct vfio_irq_info. */
export const IRQ_INFO = structure({ argsz: 'u32', flags: 'u32', index: 'u32', count: 'u32' });

/** struct vfio_irq_set without its data. */
export const IRQ_SET = structure({ argsz: 'u32', flags: 'u32', index: 'u32', start: 'u32', count: 'u32' });

/** struct vfio_group_status. */
export const GROUP_STATUS = structure({ argsz: 'u32', flags: 'u32' });

/** struct vfio_iommu_type1_dma_map. */
export const DMA_MAP = structure({ argsz: 'u32', flags: 'u32', vaddr: 'u64', iova: 'u64', size: 'u64' });

/** struct vfio_iommu_type1_dma_unmap without its data. */
export const DMA_UNMAP = structure({ argsz: 'u32', flags: 'u32', iova: 'u64', size: 'u64' });

/** struct vfio_iommu_type1_info. */
export const TYPE1_INFO = structure({
  ...{ argsz: 'u32', flags: 'u32' },
  ...{ iova_pgsizes: 'u64', cap_offset: 'u32', pad: 'u32' },
});

/** struct vfio_region_info. */
export const REGION_INFO = structure({
  ...{ argsz: 'u32', flags: 'u32', index: 'u32', cap_offset: 'u32' },
  ...{ size: 'u64', offset: 'u64' },
});

/** struct vfio_info_cap_header, with which every capability begins. */
export const CAPABILITY_HEADER = structure({ id: 'u16', version: 'u16', next: 'u32' });

/** Capabilities of region info: VFIO_REGION_INFO_CAP_*. */
export const REGION_CAPABILITIES = { SPARSE_MMAP: 1, TYPE: 2, MSIX_MAPPABLE: 3 } as const;
/** Capabilities of IOMMU_GET_INFO: VFIO_IOMMU_TYPE1_INFO_CAP_*. */
export const TYPE1_CAPABILITIES = { IOVA_RANGE: 1, MIGRATION: 2, DMA_AVAIL: 3 } as const;

/** struct vfio_region_info_cap_sparse_mmap and vfio_iommu_type1_info_cap_iova_range, behind their header. */
export const COUNTED_RANGES = structure({ count: 'u32', reserved: 'u32' });
/** A pair of 64-bit numbers behind `COUNTED_RANGES`: offset and size, or first and last IOVA. */
export const RANGE = structure({ first: 'u64', second: 'u64' });
/** struct vfio_iommu_type1_info_dma_avail behind its header. */
export const DMA_AVAIL = structure({ avail: 'u32' });

/** struct vfio_device_feature without its data. */
export const DEVICE_FEATURE = structure({ argsz: 'u32', flags: 'u32' });
/** VFIO_DEVICE_FEATURE_DMA_BUF, and the flag that asks for an answer. */
export const DEVICE_FEATURES = { DMA_BUF: 11, GET: 1 << 16 } as const;
/** struct vfio_device_feature_dma_buf without its ranges, each of which is `RANGE`. */
export const DMA_BUF_FEATURE = structure({
  ...{ region_index: 'u32', open_flags: 'u32' },
  ...{ flags: 'u32', nr_ranges: 'u32' },
});

/** struct vfio_device_bind_iommufd. */
export const BIND_IOMMUFD = structure({ argsz: 'u32', flags: 'u32', iommufd: 's32', out_devid: 'u32' });
/** struct vfio_device_attach_iommufd_pt; in 7.x a field for the PASID follows, which `argsz` leaves out. */
export const ATTACH_IOMMUFD_PT = structure({ argsz: 'u32', flags: 'u32', pt_id: 'u32' });
/** struct vfio_device_detach_iommufd_pt. */
export const DETACH_IOMMUFD_PT = structure({ argsz: 'u32', flags: 'u32' });
