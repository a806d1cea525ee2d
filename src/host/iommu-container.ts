import type { HostAddress, Iova, Offset, PageSizeBitmap, Size } from '../address/index.ts';
import type { Errno } from './errno.ts';

/** What lies behind a mapping, in the VMM's terms; the host keeps it for the trace and never reads it. */
export interface Backing {
  /** Name of the memory region. */
  readonly region: string;
  /** The device that owns the region, if a device does. */
  readonly owner: string | undefined;
  /** Where in the region the mapping begins. */
  readonly offset: Offset;
}

/** One VFIO_IOMMU_MAP_DMA, IOMMU_IOAS_MAP or VFIO_USER_DMA_MAP. */
export interface DmaMapRequest {
  readonly iova: Iova;
  readonly size: Size;
  readonly hostAddress: HostAddress;
  /** Without the write flag: devices may only read. */
  readonly readonly: boolean;
  /** Whether `hostAddress` lies in an mmapped BAR (a PFNMAP area) rather than in ordinary memory. */
  readonly deviceMemory: boolean;
  readonly backing: Backing;
}

/** A mapping that is in force. */
export type DmaMapping = DmaMapRequest;

/** What an unmap request did. */
export interface UnmapResult {
  readonly errno: Errno;
  /** Bytes that were mapped before and are no longer; 0 when nothing was mapped there. */
  readonly unmapped: Size;
}

/** The host's side of a VFIO container: the checks it makes, in its order, and the mappings it keeps. */
export interface IommuContainer {
  /** The page sizes that the host reports; the smallest is what mappings are expected to align to. */
  readonly pageSizes: PageSizeBitmap;
  map(request: DmaMapRequest): Errno;
  unmap(iova: Iova, size: Size): UnmapResult;
  /** The live mappings by rising IOVA. The array never changes afterwards. */
  mappings(): readonly DmaMapping[];
}
