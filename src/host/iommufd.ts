import {
  END_OF_SPACE,
  isAligned,
  LAST_ADDRESS,
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

export interface IommufdOptions {
  /** The host kernel's page size in bytes. */
  readonly hostPageSize: Size;
  /** What the attached IOMMU domain can map; 0 when no device is attached yet. */
  readonly domainPageSizes: PageSizeBitmap;
  /** What is not reserved, ascending, with a gap between any two; empty (the default): everything. */
  readonly apertures?: readonly Aperture[] | undefined;
}

/**
 * An I/O address space of iommufd, used by its own calls (QEMU's native back end: every map has
 * IOMMU_IOAS_MAP_FIXED_IOVA) and not through the VFIO compatibility container. Linux
 * drivers/iommu/iommufd, host facts 2.1 to 2.3. The number of mappings has no limit (host fact R2.2.5).
 */
export class IommufdIoas implements IommuContainer {
  /**
   * The domain's own page sizes, whatever the host page: there is no floor as in type1 (host fact R2.1.1).
   * The kernel reports the smallest only (`out_iova_alignment`), and QEMU uses nothing else.
   */
  readonly pageSizes: PageSizeBitmap;
  readonly #hostPageSize: Size;
  readonly #alignment: Size;
  readonly #apertures: readonly Aperture[];
  readonly #table = new MappingTable();

  constructor(options: IommufdOptions) {
    this.pageSizes = options.domainPageSizes;
    this.#hostPageSize = options.hostPageSize;
    // Linux io_pagetable.c:iopt_calculate_iova_alignment: bytes, until a domain asks for more.
    this.#alignment = smallestPage(options.domainPageSizes) || 1n;
    this.#apertures = options.apertures ?? [];
  }

  /**
   * IOMMU_IOAS_MAP with a fixed IOVA. Linux ioas.c:iommufd_ioas_map, io_pagetable.c:iopt_alloc_area_pages
   * and iopt_insert_area, host facts I2 to I14; flags, object and memory are always valid
   * (host facts I1, I3 and I4).
   */
  map(request: DmaMapRequest): Errno {
    const { iova, size, hostAddress } = request;
    const alignment = this.#alignment;
    // host fact I2
    if (iova === LAST_ADDRESS || size === LAST_ADDRESS) return Errno.EOVERFLOW;
    // host fact I5; 7.3.4 tests the upper limit after host fact I6 (host fact R2.2.6).
    if (size === 0n || size > LAST_ADDRESS - this.#hostPageSize) return Errno.EINVAL;
    // host fact I6: unlike in host fact I9 it is the end that must fit, not the last byte.
    if (hostAddress + size > LAST_ADDRESS) return Errno.EOVERFLOW;
    // host facts I7 and I8
    if (!isAligned(size | iova, alignment)) return Errno.EINVAL;
    // host fact I9
    if (iova + size > END_OF_SPACE) return Errno.EOVERFLOW;
    // host facts I10 and I11: the other way round than type1 (host fact R2.2.1).
    if (!isUsable(this.#apertures, iova, size)) return Errno.EINVAL;
    if (this.#table.firstOverlapping(iova, size) !== undefined) return Errno.EEXIST;
    // host fact I13: only the place in the page is looked at, so alignments above the page ask for a whole
    // page.
    if (!isAligned(hostAddress & (this.#hostPageSize - 1n), alignment)) return Errno.EINVAL;
    // host fact I14: pages are pinned as soon as a domain is attached, and memory of a device has none to
    // pin (host fact R2.2.3).
    if (request.deviceMemory && this.pageSizes !== 0n) return Errno.EFAULT;

    this.#table.insert(request);
    return 0;
  }

  /**
   * IOMMU_IOAS_UNMAP: removes the mappings inside the range. One that it cuts ends the call, after those
   * below were removed; so the result may carry both an error and bytes. Nothing mapped is an error here.
   * Linux ioas.c:iommufd_ioas_unmap, io_pagetable.c:iopt_unmap_iova_range, host fact 2.3.
   *
   * @param iova with `size` 2^64 - 1 and 0 here, everything is removed
   */
  unmap(iova: Iova, size: Size): UnmapResult {
    if (iova === 0n && size === LAST_ADDRESS) return this.unmapAll();
    if (iova === LAST_ADDRESS || size === LAST_ADDRESS) return failedUnmap(Errno.EOVERFLOW);
    if (size === 0n) return failedUnmap(Errno.EINVAL);
    const end = iova + size;
    if (end > END_OF_SPACE) return failedUnmap(Errno.EOVERFLOW);

    const mappings = this.#table.overlapping(iova, size);
    const cut = mappings.findIndex((mapping) => mapping.iova < iova || mapping.iova + mapping.size > end);
    const unmapped = this.#table.remove(cut < 0 ? mappings : mappings.slice(0, cut));
    return { errno: cut >= 0 || unmapped === 0n ? Errno.ENOENT : 0, unmapped };
  }

  /** IOMMU_IOAS_UNMAP of everything: succeeds even when there is nothing. */
  unmapAll(): UnmapResult {
    return { errno: 0, unmapped: this.#table.clear() };
  }

  mappings(): readonly DmaMapping[] {
    return this.#table.snapshot();
  }
}
