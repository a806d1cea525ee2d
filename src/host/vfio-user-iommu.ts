import { END_OF_SPACE, type Iova, type PageSizeBitmap, type Size } from '../address/index.ts';
import { Errno } from './errno.ts';
import {
  failedUnmap,
  type DmaMapping,
  type DmaMapRequest,
  type IommuContainer,
  type UnmapResult,
} from './iommu-container.ts';
import { MappingTable } from './mapping-table.ts';

/** libvfio-user lib/private.h: MAX_DMA_SIZE on x86 and ppc64; elsewhere it is 4 GiB - 1. */
export const VFIO_USER_MAX_REGION_SIZE: Size = 8n << 40n;
/** libvfio-user include/libvfio-user.h: LIBVFIO_USER_MAX_DMA_REGIONS. */
export const VFIO_USER_MAX_REGIONS = 1_000_000;

export interface VfioUserIommuOptions {
  /**
   * What the server answers to the client's `pgsizes`. Nothing but the client's own decisions depends
   * on it: the server never compares an address with it.
   */
  readonly pageSizes: PageSizeBitmap;
  /** How many regions there may be at a time: `max_regions` of vfu_setup_device_dma. */
  readonly maxMappings?: number | undefined;
  /** How large one region may be, in bytes. */
  readonly maxSize?: Size | undefined;
}

/**
 * The same part of the same file, or both without a file, as the server sees BARs: QEMU sends it no
 * descriptor.
 */
function haveSameSource(a: DmaMapRequest, b: DmaMapRequest): boolean {
  if (a.deviceMemory || b.deviceMemory) return a.deviceMemory === b.deviceMemory;
  return a.backing.region === b.backing.region && a.backing.offset === b.backing.offset;
}

/**
 * The DMA side of a device server built on libvfio-user (github.com/nutanix/libvfio-user, lib/dma.c, June
 * 2026). It keeps whole regions and checks little: no alignment whatsoever, not even to the page sizes it
 * announces, and no host address, which the client does not send.
 *
 * What QEMU makes of an errno is another matter: it prints it and goes on (vfio-user maps are not waited
 * for).
 */
export class VfioUserIommu implements IommuContainer {
  readonly pageSizes: PageSizeBitmap;
  readonly #maxMappings: number;
  readonly #maxSize: Size;
  readonly #table = new MappingTable();

  constructor(options: VfioUserIommuOptions) {
    this.pageSizes = options.pageSizes;
    this.#maxMappings = options.maxMappings ?? VFIO_USER_MAX_REGIONS;
    this.#maxSize = options.maxSize ?? VFIO_USER_MAX_REGION_SIZE;
  }

  /**
   * VFIO_USER_DMA_MAP. libvfio-user lib/dma.c:dma_controller_add_region, in its order: the size limit
   * (ENOSPC), the identical region again (success that changes nothing when file, offset and protection
   * are the same, else EINVAL), any other overlap (EINVAL), the number of regions (EINVAL).
   *
   * Two simplifications at the edges, both EINVAL here: a region of 0 bytes, which fails the same way
   * where the region has a file to mmap, and one that ends above 2^64, whose arithmetic wraps there.
   */
  map(request: DmaMapRequest): Errno {
    const { iova, size } = request;
    if (size > this.#maxSize) return Errno.ENOSPC;
    if (size === 0n || iova + size > END_OF_SPACE) return Errno.EINVAL;
    const existing = this.#table.firstOverlapping(iova, size);
    if (existing !== undefined) {
      const identical = existing.iova === iova && existing.size === size;
      const same = haveSameSource(existing, request) && existing.readonly === request.readonly;
      return identical && same ? 0 : Errno.EINVAL;
    }
    if (this.#table.size >= this.#maxMappings) return Errno.EINVAL;

    this.#table.insert(request);
    return 0;
  }

  /**
   * VFIO_USER_DMA_UNMAP without flags: only a region that has exactly this start and size is removed,
   * anything else is ENOENT. libvfio-user lib/dma.c:dma_controller_remove_region.
   */
  unmap(iova: Iova, size: Size): UnmapResult {
    const region = size === 0n ? undefined : this.#table.firstOverlapping(iova, size);
    if (region === undefined || region.iova !== iova || region.size !== size) {
      return failedUnmap(Errno.ENOENT);
    }
    return { errno: 0, unmapped: this.#table.remove([region]) };
  }

  /** VFIO_USER_DMA_UNMAP with the flag ALL. libvfio-user lib/dma.c:dma_controller_remove_all_regions. */
  unmapAll(): UnmapResult {
    return { errno: 0, unmapped: this.#table.clear() };
  }

  mappings(): readonly DmaMapping[] {
    return this.#table.snapshot();
  }
}
