import type { PageSizeBitmap, Size } from '../address/index.ts';
import type { DmaMapRequest, Errno, RegionInfo, SparseArea, UnmapResult } from '../host/index.ts';
import type { HostRom } from './host-device.ts';
import type { IommuType } from './iommu-type.ts';
import type { ListenerContext } from './listener-rules.ts';
import type { Span } from './trim.ts';

/** The host of a scenario, as far as the rules of the host depend on it. */
export interface HostContext {
  readonly hostPageSize: Size;
  readonly iommuType: IommuType;
}

/** What a version or proposal changes in the host's kernel. */
export interface HostRules {
  /** The page sizes of the IOMMU domain, a subset of the hardware's. Not empty. */
  pageSizes(hardware: PageSizeBitmap, context: HostContext): PageSizeBitmap;
  /** The answer of VFIO_DEVICE_GET_REGION_INFO for a BAR; `info` is what the kernel would answer. */
  regionInfo(info: RegionInfo, bar: number): RegionInfo;
  /** Bytes of the expansion ROM's register and of its region; `rom` is what the kernel would show. */
  rom(rom: HostRom): HostRom;
  /** The error of an mmap of an area of a BAR, 0 for success; `errno` is what the kernel would answer. */
  mmap(errno: Errno, bar: number, area: SparseArea): Errno;
  /**
   * Whether the kernel refuses addresses that the IOMMU does not translate (vfio_iommu_iova_dma_valid; type1
   * since Linux 5.4, host fact M12).
   */
  readonly checksApertures: boolean;
  /** The range that the kernel unmaps for a request; the requested one in every kernel. */
  unmapSpan(requested: Span, context: ListenerContext): Span;
  /** The answer to an unmap request; `answer` is what the kernel would answer. */
  unmap(answer: UnmapResult, requested: Span, context: ListenerContext): UnmapResult;
  /** An error with which a map request fails before the kernel's own checks; 0 lets it pass. */
  refusesMap(request: DmaMapRequest, context: ListenerContext): Errno;
}
