import {
  totalSize,
  type HostAddress,
  type Iova,
  type Offset,
  type PageSizeBitmap,
  type Size,
} from '../address/index.ts';
import type { Errno } from './errno.ts';

/** The memory behind a mapping, in the VMM's terms. The host keeps it for the trace and does not read it. */
export interface Backing {
  /** Name of the memory region. */
  readonly region: string;
  /** The device that owns the region; `undefined` for RAM and ROM. */
  readonly owner: string | undefined;
  /** Offset in the region of the mapping's first byte. */
  readonly offset: Offset;
}

/** The part of a dma-buf that a caller maps (IOMMU_IOAS_MAP_FILE). */
export interface DmaBufPart {
  /** Where the part begins in the dma-buf. */
  readonly start: bigint;
  /** The size of the whole dma-buf. */
  readonly bytes: Size;
  /** How many ranges of a BAR the dma-buf was made of. */
  readonly ranges: number;
}

/** The part that begins at byte `start` of a dma-buf of these areas, which it has one after the other. */
export const dmaBufPart = (areas: readonly { readonly size: Size }[], start: bigint): DmaBufPart => ({
  start,
  bytes: totalSize(areas),
  ranges: areas.length,
});

/** One VFIO_IOMMU_MAP_DMA, IOMMU_IOAS_MAP or VFIO_USER_DMA_MAP. */
export interface DmaMapRequest {
  readonly iova: Iova;
  readonly size: Size;
  readonly hostAddress: HostAddress;
  /** Whether devices may only read: the request has no write flag. */
  readonly readonly: boolean;
  /** Whether `hostAddress` lies in an mmapped BAR (a PFNMAP area) rather than in ordinary memory. */
  readonly deviceMemory: boolean;
  readonly backing: Backing;
  /**
   * Whether the kernel cannot use the memory with the permissions of the request: a hole, PROT_NONE,
   * read-only memory with WRITE, a BAR while its memory decode is off (host fact D18). False by default.
   */
  readonly unusable?: boolean | undefined;
  /** The dma-buf by which the caller passes the BAR (IOMMU_IOAS_MAP_FILE); left out where it passes an address. */
  readonly dmaBuf?: DmaBufPart | undefined;
}

/** A mapping that is in force. */
export type DmaMapping = DmaMapRequest;

/** The answer to an unmap request. */
export interface UnmapResult {
  readonly errno: Errno;
  /** Bytes that were mapped before and are not any more; 0 if none were. */
  readonly unmapped: Size;
}

/** The answer to a map whose IOVA the kernel chooses. */
export interface ChosenMapResult {
  readonly errno: Errno;
  /** Where the memory is mapped; 0 after an error. */
  readonly iova: Iova;
}

/** The answer to such a map that fails with `errno`. */
export const failedMap = (errno: Errno): ChosenMapResult => ({ errno, iova: 0n as Iova });

/** The answer to an unmap request that fails with `errno` and unmaps nothing. */
export const failedUnmap = (errno: Errno): UnmapResult => ({ errno, unmapped: 0n });

/** The host's side of a VFIO container: the kernel's checks, in the kernel's order, and the live mappings. */
export interface IommuContainer {
  /** The page sizes that the host reports. The VMM is expected to align mappings to the smallest. */
  readonly pageSizes: PageSizeBitmap;
  /** How many more mappings the container takes, if it says so. */
  readonly available?: number;
  map(request: DmaMapRequest): Errno;
  unmap(iova: Iova, size: Size): UnmapResult;
  /** The live mappings by rising IOVA. The returned array never changes. */
  mappings(): readonly DmaMapping[];
}
