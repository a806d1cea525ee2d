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

/**
 * The most bytes of a region: MAX_DMA_SIZE of libvfio-user lib/private.h on x86 and ppc64; elsewhere 4 GiB
 * - 1.
 */
export const VFIO_USER_MAX_REGION_SIZE: Size = 8n << 40n;
/** The most regions: LIBVFIO_USER_MAX_DMA_REGIONS of libvfio-user include/libvfio-user.h. */
export const VFIO_USER_MAX_REGIONS = 1_000_000;

/** The vfio-user server behind a container. */
export interface VfioUserIommuOptions {
  /**
   * The `pgsizes` in the server's reply to the client. The client's decisions depend on them; the server
   * does not compare addresses with them.
   */
  readonly pageSizes: PageSizeBitmap;
  /**
   * The most regions at a time: `max_regions` of vfu_setup_device_dma; `VFIO_USER_MAX_REGIONS` by default.
   */
  readonly maxMappings?: number | undefined;
  /** The most bytes of one region; `VFIO_USER_MAX_REGION_SIZE` by default. */
  readonly maxSize?: Size | undefined;
}

/**
 * Whether the server sees two requests with the same backing: the same part of the same file, or no file.
 * BARs have no file, because QEMU sends no descriptor for them.
 */
function haveSameSource(a: DmaMapRequest, b: DmaMapRequest): boolean {
  if (a.deviceMemory || b.deviceMemory) return a.deviceMemory === b.deviceMemory;
  return a.backing.region === b.backing.region && a.backing.offset === b.backing.offset;
}

/**
 * The DMA side of a device server built on libvfio-user (github.com/nutanix/libvfio-user, lib/dma.c, June
 * 2026). The server keeps whole regions. It checks no alignment, not even to the page sizes that it
 * announces, and no host address, which the client does not send.
 *
 * QEMU prints an error of the server and goes on, because it does not wait for vfio-user maps.
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
   * VFIO_USER_DMA_MAP. The tests of libvfio-user lib/dma.c:dma_controller_add_region, in the server's order:
   *
   * 1. A region above the size limit is ENOSPC.
   * 2. The same range again is a success without effect if file, offset and protection are the same, else EINVAL.
   * 3. Any other overlap is EINVAL.
   * 4. One region too many is EINVAL.
   *
   * The model simplifies two cases to EINVAL. A region of 0 bytes fails in the server only if the region
   * has a file to mmap. For a region that ends above 2^64 the server's arithmetic wraps.
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
   * VFIO_USER_DMA_UNMAP without flags: removes the region with exactly this start and size, and is ENOENT
   * for any other range. libvfio-user lib/dma.c:dma_controller_remove_region.
   */
  unmap(iova: Iova, size: Size): UnmapResult {
    const region = this.#table.firstOverlapping(iova, 1n);
    if (region?.iova !== iova || region.size !== size) return failedUnmap(Errno.ENOENT);
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
