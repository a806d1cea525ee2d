import { END_OF_SPACE, isAligned, totalSize, type Size } from '../address/index.ts';
import { BAR_COUNT } from '../pci-layout/index.ts';
import { DEVICE_FEATURE, DMA_BUF_FEATURE } from './abi/index.ts';
import { Errno } from './errno.ts';
import type { RequestHeader } from './request-header.ts';

/** A range of a BAR that a caller exports. */
export interface ExportedRange {
  readonly offset: bigint;
  readonly size: Size;
}

/** VFIO_DEVICE_FEATURE_DMA_BUF. */
export interface DmaBufExport extends RequestHeader {
  /** The index of the region. */
  readonly region: number;
  readonly ranges: readonly ExportedRange[];
}

/** A BAR of the device. */
export interface ExportableBar {
  /** In bytes. */
  readonly size: Size;
  /** The host-physical address. */
  readonly start: bigint;
  readonly io: boolean;
}

/**
 * What vfio-pci answers to VFIO_DEVICE_FEATURE_DMA_BUF with the flag GET, whether the memory decode is on or off. Linux
 * vfio_pci_dmabuf.c:vfio_pci_core_feature_dma_buf, host facts B1 to B3 and R11.2 to R11.4.
 *
 * @param bar the BAR of the region; `undefined` if the device has none there
 */
export function exportDmaBuf(
  { argsz, flags, region, ranges }: DmaBufExport,
  bar: ExportableBar | undefined,
  hostPageSize: Size,
): Errno {
  const needed = DEVICE_FEATURE.bytes + DMA_BUF_FEATURE.bytes;
  // host fact R11.4
  if (argsz !== undefined && argsz < needed) return Errno.EINVAL;
  // host fact B2
  if (ranges.length === 0 || flags !== 0) return Errno.EINVAL;
  // host facts B3 and R11.3
  if (region >= BAR_COUNT || bar === undefined) return Errno.ENODEV;
  // host fact B1
  const isWhole = ({ offset, size }: ExportedRange): boolean =>
    size > 0n && isAligned(offset | size, hostPageSize);
  // host fact R11.2
  if (!ranges.every(isWhole) || totalSize(ranges) >= END_OF_SPACE / 2n) return Errno.EINVAL;
  // host fact R11.3
  if (bar.io) return Errno.EINVAL;
  for (const { offset, size } of ranges) {
    // host fact B2
    if (bar.start + offset + size > END_OF_SPACE) return Errno.EOVERFLOW;
    if (offset + size > bar.size) return Errno.EINVAL;
  }
  return 0;
}
