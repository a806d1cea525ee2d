/** The requests to the host's kernel that can be told to fail. `host.faults` names them by these words. */
export const FAULT_REQUESTS = [
  /** VFIO_IOMMU_MAP_DMA, IOMMU_IOAS_MAP or IOMMU_IOAS_MAP_FILE. */
  'dma-map',
  /** VFIO_IOMMU_UNMAP_DMA or IOMMU_IOAS_UNMAP. */
  'dma-unmap',
  /** KVM_SET_USER_MEMORY_REGION that makes or changes a slot; one that deletes a slot never fails. */
  'memslot',
  /** IOMMU_IOAS_ALLOC. */
  'create-ioas',
  /** VFIO_GROUP_SET_CONTAINER, or with iommufd VFIO_DEVICE_ATTACH_IOMMUFD_PT. */
  'attach',
  /** mmap of an area of a BAR. */
  'mmap',
  /** VFIO_DEVICE_SET_IRQS for MSI-X. */
  'set-irqs',
  /** VFIO_DEVICE_RESET. */
  'reset',
] as const;
export type FaultRequest = (typeof FAULT_REQUESTS)[number];

/** The errors with which a request can be told to fail. */
export const FAULT_ERRORS = [
  'EPERM',
  'EIO',
  'ENOMEM',
  'EFAULT',
  'EBUSY',
  'ENODEV',
  'EINVAL',
  'ENOSPC',
] as const;
export type FaultError = (typeof FAULT_ERRORS)[number];

/** The requests that name addresses: IOVAs, or of a memslot guest-physical addresses. */
export const REQUESTS_WITH_ADDRESSES: readonly FaultRequest[] = ['dma-map', 'dma-unmap', 'memslot'];
/** The requests that name a device. */
export const REQUESTS_WITH_DEVICE: readonly FaultRequest[] = ['attach', 'mmap', 'set-irqs', 'reset'];
/** The requests that every VMM of one release makes in one order, so that they can be counted. */
export const COUNTED_REQUESTS: readonly FaultRequest[] = ['dma-map', 'dma-unmap', 'mmap'];

/** A fault of the host: requests that its kernel does not carry out. */
export interface FaultSpec {
  readonly request: FaultRequest;
  /** The error of the request; `never` for a request that the kernel never answers, so that the VMM hangs. */
  readonly answer: FaultError | 'never';
  /** Of requests with addresses only those that name this address. */
  readonly at?: bigint;
  /** Of requests with a device only those that name this device, by its id. */
  readonly device?: string;
  /** Of the requests that the other fields choose only this one, counted from 1; all of them when left out. */
  readonly nth?: number;
}

/** The most requests that are counted before one fails. */
export const MOST_COUNTED = 1_000_000;
