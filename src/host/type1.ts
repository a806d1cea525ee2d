import {
  atLeast,
  below,
  END_OF_SPACE,
  isAligned,
  low64,
  smallestPage,
  type Iova,
  type PageSizeBitmap,
  type Size,
} from '../address/index.ts';
import { isUsable, type Aperture } from './aperture.ts';
import { Errno } from './errno.ts';
import {
  failedUnmap,
  type DmaMapping,
  type DmaMapRequest,
  type IommuContainer,
  type UnmapResult,
} from './iommu-container.ts';
import { MappingTable } from './mapping-table.ts';

/**
 * The page sizes that type1 reports: those of the IOMMU domain without what is below the host page,
 * and the host page itself wherever something was dropped, because type1 composes it of the smaller ones.
 *
 * Linux vfio_iommu_type1.c:vfio_update_pgsize_bitmap, 4.4 and later, host facts 1.2 and R1.2.1.
 *
 * @param domain what the domain can map; all ones if all devices are emulated ones (host fact R1.2.3)
 * @param hostPageSize a power of two
 */
export const type1PageSizes = (domain: PageSizeBitmap, hostPageSize: Size): PageSizeBitmap =>
  below(domain, hostPageSize) === 0n ? domain : atLeast(domain, hostPageSize) | hostPageSize;

/**
 * The page sizes that type1 reported before Linux 4.4: sizes below the host page were dropped and
 * nothing put in their place, so that the result may lack the host page or be empty (host fact R1.2.2).
 */
export const type1PageSizesBefore44 = (domain: PageSizeBitmap, hostPageSize: Size): PageSizeBitmap =>
  atLeast(domain, hostPageSize);

/** Linux vfio_iommu_type1.c, module parameter `dma_entry_limit` (host fact R1.3.4). */
export const DEFAULT_DMA_ENTRY_LIMIT = 65535;

export interface Type1Options {
  /** The host kernel's page size in bytes. */
  readonly hostPageSize: Size;
  /** What the IOMMU domain can map, before `type1PageSizes`; see `domainPageSizes`. Not empty. */
  readonly domainPageSizes: PageSizeBitmap;
  /** The valid-IOVA list, ascending, with a gap between any two; empty (the default): everything. */
  readonly apertures?: readonly Aperture[] | undefined;
  /** How many mappings there may be at a time. */
  readonly maxMappings?: number | undefined;
  /** VFIO_TYPE1_IOMMU or VFIO_TYPE1v2_IOMMU; QEMU uses 2 wherever there is one. */
  readonly version?: 1 | 2 | undefined;
  /**
   * Ordinary memory comes in physically contiguous runs of this many bytes, each as aligned as it is
   * long; by default in runs as long as any request. A host that backs guests with single pages has
   * `hostPageSize`. It matters only where the IOMMU's smallest page is larger (host fact R1.4.5).
   */
  readonly contiguousRun?: Size | undefined;
}

/**
 * A VFIO container of type 1 with one IOMMU domain: Linux vfio_iommu_type1.c, host facts 1.2 to 1.7.
 * At 2^64 the model is no single kernel (host fact D3).
 */
export class Type1Container implements IommuContainer {
  readonly pageSizes: PageSizeBitmap;
  readonly #granule: Size;
  readonly #apertures: readonly Aperture[];
  readonly #maxMappings: number;
  readonly #version: 1 | 2;
  readonly #runsTooShort: boolean;
  readonly #table = new MappingTable();

  /** @throws RangeError when no page size is left, which the kernel does not look for (host fact R1.2.5). */
  constructor(options: Type1Options) {
    this.pageSizes = type1PageSizes(options.domainPageSizes, options.hostPageSize);
    if (this.pageSizes === 0n) throw new RangeError('the IOMMU domain has no page size');
    this.#granule = smallestPage(this.pageSizes);
    this.#apertures = options.apertures ?? [];
    this.#maxMappings = options.maxMappings ?? DEFAULT_DMA_ENTRY_LIMIT;
    this.#version = options.version ?? 2;
    this.#runsTooShort =
      options.contiguousRun !== undefined && options.contiguousRun < smallestPage(options.domainPageSizes);
  }

  /** How many more mappings there may be: the capability VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL. */
  get available(): number {
    return this.#maxMappings - this.#table.size;
  }

  /**
   * VFIO_IOMMU_MAP_DMA. Linux vfio_iommu_type1.c:vfio_dma_do_map, host facts M6 to M14. The flags are
   * always valid (host facts M3, M5 and M9), memory is always present and within the lock limit
   * (host facts R1.4.1 to R1.4.4 and D18). Memory of a device is mapped like any other (host fact R1.4.3).
   */
  map(request: DmaMapRequest): Errno {
    const { iova, size, hostAddress } = request;
    // host fact M6; a size of 2^64 does not fit the field and arrives as 0.
    if (low64(size) === 0n) return Errno.EINVAL;
    // host fact M7
    if (!isAligned(size | iova | hostAddress, this.#granule)) return Errno.EINVAL;
    // host fact M8: the last byte counts, so a mapping may end at 2^64. The error, and its place behind
    // the alignment, are those of 6.12 (host fact D1). AMD hosts with 6.12 lose a mapping that ends at 2^64
    // (host fact D12).
    if (iova + size > END_OF_SPACE || hostAddress + size > END_OF_SPACE) return Errno.EINVAL;
    // host fact M10
    if (this.#table.firstOverlapping(iova, size) !== undefined) return Errno.EEXIST;
    // host fact M11
    if (this.available <= 0) return Errno.ENOSPC;
    // host fact M12
    if (!isUsable(this.#apertures, iova, size)) return Errno.EINVAL;
    // host fact M14: iommu_map refuses a run that does not fill whole pages of the domain. The granule is
    // never smaller than such a page, so a contiguous request that passed host fact M7 always does
    // (host fact R1.4.5).
    if (this.#runsTooShort && !request.deviceMemory) return Errno.EINVAL;

    this.#table.insert(request);
    return 0;
  }

  /**
   * VFIO_IOMMU_UNMAP_DMA without flags: removes every mapping that meets the range. Version 2 refuses a
   * range that cuts a mapping; version 1 removes one that reaches beyond the end, and nothing at all when
   * one begins before the start. Linux vfio_iommu_type1.c:vfio_dma_do_unmap,
   * host facts U6, U8, U10, U11 and R1.5.1 to R1.5.3. Up to 6.12 the kernel finds nothing in a range that
   * ends at 2^64; the model removes what lies there, as 7.2 does (host fact D2).
   */
  unmap(iova: Iova, size: Size): UnmapResult {
    // host facts U6 and U8
    if (low64(size) === 0n || !isAligned(iova | size, this.#granule)) return failedUnmap(Errno.EINVAL);
    const end = iova + size;
    if (end > END_OF_SPACE) return failedUnmap(Errno.EINVAL);

    const mappings = this.#table.overlapping(iova, size);
    const lowest = mappings.at(0);
    const highest = mappings.at(-1);
    const cutAtStart = lowest !== undefined && lowest.iova < iova;
    const cutAtEnd = highest !== undefined && highest.iova + highest.size > end;
    if (this.#version === 1) {
      if (cutAtStart) return { errno: 0, unmapped: 0n };
    } else if (cutAtStart || cutAtEnd) {
      // host facts U10 and U11
      return failedUnmap(Errno.EINVAL);
    }
    return { errno: 0, unmapped: this.#table.remove(mappings) };
  }

  /** VFIO_IOMMU_UNMAP_DMA with the flag ALL, iova and size 0 (5.12+): removes everything. */
  unmapAll(): UnmapResult {
    return { errno: 0, unmapped: this.#table.clear() };
  }

  mappings(): readonly DmaMapping[] {
    return this.#table.snapshot();
  }
}
