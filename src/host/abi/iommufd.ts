import type { IoctlEncoding } from './ioctl-request.ts';
import { structure } from './structure.ts';

/** Structures and numbers of Linux include/uapi/linux/iommufd.h. */
const IOMMUFD_TYPE = 0x3b;

/** The requests of iommufd, by their names without IOMMU_. */
const NUMBERS = {
  DESTROY: 0x80,
  IOAS_ALLOC: 0x81,
  IOAS_ALLOW_IOVAS: 0x82,
  IOAS_COPY: 0x83,
  IOAS_IOVA_RANGES: 0x84,
  IOAS_MAP: 0x85,
  IOAS_UNMAP: 0x86,
  OPTION: 0x87,
  HWPT_ALLOC: 0x89,
  GET_HW_INFO: 0x8a,
  IOAS_MAP_FILE: 0x8f,
  IOAS_CHANGE_PROCESS: 0x92,
} as const;

/** A request of iommufd, by its name without IOMMU_. */
export type IommufdRequestName = keyof typeof NUMBERS;

/** The number of a request of iommufd on an architecture. */
export const iommufdRequest = (name: IommufdRequestName, ioctls: IoctlEncoding): number =>
  ioctls.none(IOMMUFD_TYPE, NUMBERS[name]);

/** IOMMU_IOAS_MAP_*. */
export const IOAS_MAP_FLAGS = { FIXED_IOVA: 1, WRITEABLE: 2, READABLE: 4 } as const;

/** struct iommu_destroy. */
export const DESTROY = structure({ size: 'u32', id: 'u32' });

/** struct iommu_ioas_alloc. */
export const IOAS_ALLOC = structure({ size: 'u32', flags: 'u32', out_ioas_id: 'u32' });

/** struct iommu_ioas_map. */
export const IOAS_MAP = structure({
  ...{ size: 'u32', flags: 'u32', ioas_id: 'u32', __reserved: 'u32' },
  ...{ user_va: 'u64', length: 'u64', iova: 'u64' },
});

/** struct iommu_ioas_map_file. */
export const IOAS_MAP_FILE = structure({
  ...{ size: 'u32', flags: 'u32', ioas_id: 'u32', fd: 's32' },
  ...{ start: 'u64', length: 'u64', iova: 'u64' },
});

/** struct iommu_ioas_unmap. */
export const IOAS_UNMAP = structure({ size: 'u32', ioas_id: 'u32', iova: 'u64', length: 'u64' });

/** struct iommu_ioas_iova_ranges; the ranges, two numbers of 64 bits each, lie at `allowed_iovas`. */
export const IOAS_IOVA_RANGES = structure({
  ...{ size: 'u32', ioas_id: 'u32', num_iovas: 'u32', __reserved: 'u32' },
  ...{ allowed_iovas: 'u64', out_iova_alignment: 'u64' },
});

/** struct iommu_hwpt_alloc. */
export const HWPT_ALLOC = structure({
  ...{ size: 'u32', flags: 'u32', dev_id: 'u32', pt_id: 'u32', out_hwpt_id: 'u32', __reserved: 'u32' },
  ...{ data_type: 'u32', data_len: 'u32', data_uptr: 'u64', fault_id: 'u32', __reserved2: 'u32' },
});

/** struct iommu_hw_info. */
export const HW_INFO = structure({
  ...{ size: 'u32', flags: 'u32', dev_id: 'u32', data_len: 'u32', data_uptr: 'u64' },
  ...{ out_data_type: 'u32', out_max_pasid_log2: 'u32', out_capabilities: 'u64' },
});
