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
 * The page sizes that type1 reports. The kernel drops the IOMMU domain's sizes below the host page and then
 * adds the host page, which it composes of smaller pages. Linux
 * vfio_iommu_type1.c:vfio_update_pgsize_bitmap, 4.4 and later, host facts 1.2 and R1.2.1.
 *
 * @param domain the domain's page sizes; all ones for a container of emulated devices alone (host fact
 *   R1.2.3).
 * @param hostPageSize in bytes, a power of two.
 */
export const type1PageSizes = (domain: PageSizeBitmap, hostPageSize: Size): PageSizeBitmap =>
  below(domain, hostPageSize) === 0n ? domain : atLeast(domain, hostPageSize) | hostPageSize;

/**
 * The page sizes that type1 reported before Linux 4.4. The kernel dropped the sizes below the host page and
 * added none, so the result may lack the host page or be empty (host fact R1.2.2).
 */
export const type1PageSizesBefore44 = (domain: PageSizeBitmap, hostPageSize: Size): PageSizeBitmap =>
  atLeast(domain, hostPageSize);

/** The default of the module parameter `dma_entry_limit` of Linux vfio_iommu_type1.c (host fact R1.3.4). */
export const DEFAULT_DMA_ENTRY_LIMIT = 65535;

/** The host behind a container of type 1. */
export interface Type1Options {
  /** The host kernel's page in bytes. */
  readonly hostPageSize: Size;
  /** The page sizes of the IOMMU domain, before `type1PageSizes`; see `domainPageSizes`. Not empty. */
  readonly domainPageSizes: PageSizeBitmap;
  /** The valid-IOVA list, ascending, with a gap between any two. Empty, the default, is every address. */
  readonly apertures?: readonly Aperture[] | undefined;
  /** The most mappings at a time; `DEFAULT_DMA_ENTRY_LIMIT` by default. */
  readonly maxMappings?: number | undefined;
  /** 1 for VFIO_TYPE1_IOMMU, 2 (the default) for VFIO_TYPE1v2_IOMMU. QEMU prefers 2. */
  readonly version?: 1 | 2 | undefined;
  /**
   * Bytes of the physically contiguous runs in which ordinary memory comes; each run is aligned to its
   * length. By default every request is one run. `hostPageSize` stands for a host that backs guests with
   * single pages. The value plays a part only if the IOMMU's smallest page is larger (host fact R1.4.5).
   */
  readonly contiguousRun?: Size | undefined;
}

/**
 * A VFIO container of type 1 with one IOMMU domain: Linux vfio_iommu_type1.c, host facts 1.2 to 1.7. At
 * 2^64 no single kernel does what the model does (host fact D3).
 */
export class Type1Container implements IommuContainer {
  readonly pageSizes: PageSizeBitmap;
  readonly #granule: Size;
  readonly #apertures: readonly Aperture[];
  readonly #maxMappings: number;
  readonly #version: 1 | 2;
  readonly #runsTooShort: boolean;
  readonly #table = new MappingTable();

  /**
   * @throws RangeError for a domain without page sizes, which the kernel does not look for (host
   * fact R1.2.5).
   */
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

  /** The number of mappings that the container still accepts: VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL. */
  get available(): number {
    return this.#maxMappings - this.#table.size;
  }

  /**
   * VFIO_IOMMU_MAP_DMA. Linux vfio_iommu_type1.c:vfio_dma_do_map, host facts M6 to M14. The flags are
   * always valid (host facts M3, M5 and M9); memory is always present and within the lock limit
   * (host facts R1.4.1 to R1.4.4 and D18). The kernel maps a BAR like other memory (host fact R1.4.3).
   */
  map(request: DmaMapRequest): Errno {
    const { iova, size, hostAddress } = request;
    // host fact M6; a size of 2^64 does not fit the request's field and arrives as 0.
    if (low64(size) === 0n) return Errno.EINVAL;
    // host fact M7
    if (!isAligned(size | iova | hostAddress, this.#granule)) return Errno.EINVAL;
    // host fact M8: the kernel tests the last byte, so a mapping may end at 2^64. The error, and the order
    // after the test of alignment, are those of 6.12 (host fact D1). AMD hosts with 6.12 lose a mapping
    // that ends at 2^64 (host fact D12).
    if (iova + size > END_OF_SPACE || hostAddress + size > END_OF_SPACE) return Errno.EINVAL;
    // host fact M10
    if (this.#table.firstOverlapping(iova, size) !== undefined) return Errno.EEXIST;
    // host fact M11
    if (this.available <= 0) return Errno.ENOSPC;
    // host fact M12
    if (!isUsable(this.#apertures, iova, size)) return Errno.EINVAL;
    // host fact M14: iommu_map refuses a run that does not fill whole pages of the domain (host
    // fact R1.4.5). A request that is one run fills them, because the granule of host fact M7 is no
    // smaller than such a page.
    if (this.#runsTooShort && !request.deviceMemory) return Errno.EINVAL;

    this.#table.insert(request);
    return 0;
  }

  /**
   * VFIO_IOMMU_UNMAP_DMA without flags: removes every mapping that shares an address with the range.
   * Version 2 refuses a range that cuts a mapping. Version 1 also removes a mapping that reaches beyond the
   * end, and removes none if a mapping begins before the start. Linux vfio_iommu_type1.c:vfio_dma_do_unmap,
   * host facts U6, U8, U10, U11 and R1.5.1 to R1.5.3. Up to 6.12 the kernel finds no mapping in a range
   * that ends at 2^64; the model removes the mappings there, as 7.2 does (host fact D2).
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

  /** VFIO_IOMMU_UNMAP_DMA with the flag ALL, iova and size 0 (Linux 5.12 and later): removes all mappings. */
  unmapAll(): UnmapResult {
    return { errno: 0, unmapped: this.#table.clear() };
  }

  mappings(): readonly DmaMapping[] {
    return this.#table.snapshot();
  }
}
