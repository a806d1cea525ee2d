import type { Iova, Size } from '../address/index.ts';
import { DMA_MAP, DMA_MAP_FLAGS, DMA_UNMAP, DMA_UNMAP_FLAGS } from './abi/index.ts';
import { Errno } from './errno.ts';
import { failedUnmap, type DmaMapRequest, type UnmapResult } from './iommu-container.ts';
import type { RequestHeader } from './request-header.ts';
import type { Type1Container } from './type1.ts';

const { READ, WRITE, VADDR } = DMA_MAP_FLAGS;

/**
 * VFIO_IOMMU_MAP_DMA with any `argsz` and flags. Linux vfio_iommu_type1.c:vfio_iommu_type1_map_dma, host facts M2,
 * M3, M5 and M9.
 */
export function requestType1Map(
  container: Type1Container,
  request: DmaMapRequest,
  { argsz = DMA_MAP.bytes, flags }: RequestHeader,
): Errno {
  const known = READ | WRITE | (container.rules.replacesAddresses ? VADDR : 0);
  if (argsz < DMA_MAP.bytes || (flags & ~known) !== 0) return Errno.EINVAL;
  const replaces = (flags & VADDR) !== 0;
  const grants = (flags & (READ | WRITE)) !== 0;
  // Since 6.18 the kernel tests for a wrap before it tests these flags (host fact D1).
  if (replaces === grants) return container.checkMap(request) || Errno.EINVAL;
  return replaces ? container.replaceAddress(request) : container.map(request);
}

/**
 * VFIO_IOMMU_UNMAP_DMA with any `argsz` and flags. Linux vfio_iommu_type1.c:vfio_iommu_type1_unmap_dma,
 * host facts U2 to U4, U7, U9 and R1.5.4. The container tracks no dirty pages.
 */
export function requestType1Unmap(
  container: Type1Container,
  { iova, size }: { readonly iova: Iova; readonly size: Size },
  { argsz = DMA_UNMAP.bytes, flags }: RequestHeader,
): UnmapResult {
  const known = container.rules.replacesAddresses ? DMA_UNMAP_FLAGS.ALL | DMA_UNMAP_FLAGS.VADDR : 0;
  if (argsz < DMA_UNMAP.bytes || (flags & ~known) !== 0) return failedUnmap(Errno.EINVAL);
  const givesUp = (flags & DMA_UNMAP_FLAGS.VADDR) !== 0;
  if ((flags & DMA_UNMAP_FLAGS.ALL) !== 0) {
    if (iova !== 0n || size !== 0n) return failedUnmap(Errno.EINVAL);
    return givesUp ? container.giveUpAllAddresses() : container.unmapAll();
  }
  return givesUp ? container.giveUpAddresses(iova, size) : container.unmap(iova, size);
}
