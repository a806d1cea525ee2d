import { joinRanges, type PageSizeBitmap, type Range } from '../../address/index.ts';
import type { DmaContainer } from '../../vfio-user/index.ts';

/** Every page size from 4 KiB on: the outer QEMU passes on what the kernel's IOMMU driver maps. */
const PAGE_SIZES = 0xffff_ffff_ffff_f000n as PageSizeBitmap;

/**
 * The device that stands for hardware: it grants every mapping of the IOMMU that the kernel programs for it, and knows
 * which addresses it may reach. So it sees what remains of a DMA request behind VMM, kernel and IOMMU.
 */
export class SeenByHardware implements DmaContainer {
  readonly pageSizes = PAGE_SIZES;
  #ranges: readonly Range[];

  /** @param ranges those that the device can reach already */
  constructor(ranges: readonly Range[] = []) {
    this.#ranges = ranges;
  }

  map({ iova, size }: Parameters<DmaContainer['map']>[0]): number {
    this.#ranges = joinRanges([...this.#ranges, { start: iova, end: iova + size }]);
    return 0;
  }

  unmap(iova: bigint, size: bigint): number {
    const end = iova + size;
    this.#ranges = this.#ranges.flatMap((range) =>
      [
        { start: range.start, end: range.end < iova ? range.end : iova },
        { start: range.start > end ? range.start : end, end: range.end },
      ].filter((part) => part.start < part.end),
    );
    return 0;
  }

  /** The server asks for them only to answer requests of its own, which this device does not make. */
  mappings(): readonly never[] {
    return [];
  }

  /** The addresses that the device can reach, in as few ranges as possible. */
  get ranges(): readonly Range[] {
    return this.#ranges;
  }
}
