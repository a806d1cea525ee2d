import {
  hostAddress,
  iova,
  isAligned,
  isPowerOfTwo,
  LAST_ADDRESS,
  lowestSetBit,
  offset,
  type HostAddress,
  type Iova,
  type PageSizeBitmap,
  type Size,
} from '../address/index.ts';
import { DisjointRanges } from './disjoint-ranges.ts';
import { Errno } from './errno.ts';
import type { DmaMapping, DmaMapRequest, IommuContainer, UnmapResult } from './iommu-container.ts';
import { MappingTable } from './mapping-table.ts';

/** A DMA window: a table of translation entries for `[start, start + size)`. */
export interface TceWindow {
  /** Which of the container's tables it is, from 0. */
  readonly slot: number;
  readonly start: Iova;
  readonly size: Size;
  /** Bytes that one entry translates. */
  readonly pageSize: Size;
}

/** VFIO_IOMMU_SPAPR_TCE_CREATE. */
export interface CreateWindowRequest {
  /** A power of two. */
  readonly pageSize: Size;
  readonly size: Size;
  /** Levels of the table; 1 by default. */
  readonly levels?: number | undefined;
}

export interface CreateWindowResult {
  readonly errno: Errno;
  /** The new window, wherever the host put it; `undefined` after an error. */
  readonly window: TceWindow | undefined;
}

/** VFIO_IOMMU_SPAPR_REGISTER_MEMORY, with what the kernel finds at the address. */
export interface RegisterMemoryRequest {
  readonly hostAddress: HostAddress;
  readonly size: Size;
  /** The memory cannot be written. */
  readonly readonly?: boolean | undefined;
  /** The memory is an mmapped BAR. */
  readonly deviceMemory?: boolean | undefined;
  /** The size of the huge pages (hugetlbfs) that every page of the block belongs to, if it is so. */
  readonly hugePageSize?: Size | undefined;
}

export interface SpaprTceOptions {
  /** The host kernel's page size in bytes; 64K on most POWER machines. */
  readonly hostPageSize: Size;
  /** The page sizes that windows can have; `POWERNV_PAGE_SIZES` by default. */
  readonly pageSizes?: PageSizeBitmap | undefined;
  /** The default window; `[0, 2 GiB)` by default. */
  readonly dma32?: { readonly start: Iova; readonly size: Size } | undefined;
  /** How many windows there may be: 2 (the default) on every kernel so far, 1 in some LPARs. */
  readonly maxWindows?: number | undefined;
  /** How many levels a table may have; 5 on bare metal (the default), 1 in an LPAR. */
  readonly maxLevels?: number | undefined;
  /** RLIMIT_MEMLOCK in bytes; no limit by default. */
  readonly lockLimit?: Size | undefined;
}

/** What a POWER8 host has whose firmware names no page sizes (host fact 3.1): 4K, 64K, 16M and 256M. */
export const POWERNV_PAGE_SIZES: PageSizeBitmap = (1n << 12n) | (1n << 16n) | (1n << 24n) | (1n << 28n);

interface MemoryBlock {
  readonly end: bigint;
  readonly size: Size;
  /** The largest IOMMU page that may point into the block. */
  readonly pageSize: Size;
}

const DEFAULT_DMA32 = { start: iova(0n), size: 1n << 31n };
/** The page size of the default window, whatever the host's. */
const DEFAULT_WINDOW_PAGE = 1n << 12n;
/** Tables of bare metal, but for the first, are at multiples of this (host fact 3.1). */
const SECOND_WINDOW = 1n << 59n;

const shiftOf = (powerOfTwo: Size): number => powerOfTwo.toString(2).length - 1;

const failed = (errno: Errno): UnmapResult => ({ errno, unmapped: 0n });

const endOf = (block: { readonly start: bigint; readonly size: Size }): bigint => block.start + block.size;

/** The part of `mapping` in `[start, end)`. */
function partOf(mapping: DmaMapping, start: bigint, end: bigint): DmaMapping {
  const skipped = start - mapping.iova;
  return {
    ...mapping,
    iova: iova(start),
    size: end - start,
    hostAddress: hostAddress(mapping.hostAddress + skipped),
    backing: { ...mapping.backing, offset: offset(mapping.backing.offset + skipped) },
  };
}

/**
 * A VFIO container of type sPAPR TCE v2 with one group of a bare-metal POWER host. Linux
 * drivers/vfio/vfio_iommu_spapr_tce.c and arch/powerpc, host facts 3.1 to 3.9.
 *
 * Mappings are single table entries to the kernel. Here one stays whole until a later call
 * overwrites or clears a part of it.
 */
export class SpaprTceContainer implements IommuContainer {
  readonly pageSizes: PageSizeBitmap;
  readonly #hostPageSize: Size;
  readonly #dma32: { readonly start: Iova; readonly size: Size };
  readonly #maxLevels: number;
  readonly #lockLimit: Size | undefined;
  readonly #slots: (TceWindow | undefined)[];
  readonly #blocks = new DisjointRanges<MemoryBlock>();
  readonly #table = new MappingTable();
  #enabled = false;
  #locked = 0n;
  /** Attaching only promises the default window; its first use makes it (host facts 3.2 and 3.3). */
  #defaultPending = true;

  constructor(options: SpaprTceOptions) {
    this.pageSizes = options.pageSizes ?? POWERNV_PAGE_SIZES;
    this.#hostPageSize = options.hostPageSize;
    this.#dma32 = options.dma32 ?? DEFAULT_DMA32;
    this.#maxLevels = options.maxLevels ?? 5;
    this.#lockLimit = options.lockLimit;
    this.#slots = Array.from({ length: options.maxWindows ?? 2 }, () => undefined);
  }

  /**
   * VFIO_IOMMU_SPAPR_REGISTER_MEMORY: what is mapped later has to be registered first. Linux
   * vfio_iommu_spapr_tce.c:tce_iommu_register_pages, iommu_api.c:mm_iommu_do_alloc,
   * host facts G2 to G7.
   */
  registerMemory(request: RegisterMemoryRequest): Errno {
    const { hostAddress: start, size } = request;
    const end = start + size;
    // host fact G2: the end must fit.
    if (!isAligned(start | size, this.#hostPageSize) || end > LAST_ADDRESS) return Errno.EINVAL;
    // An empty block gets as far as the list of its pages, which cannot be allocated (host fact R3.6.4).
    if (size === 0n) return Errno.ENOMEM;
    // host fact G3
    if (this.#blockAt(start, size)) return Errno.EBUSY;
    // host fact G5
    if (this.#lockLimit !== undefined && this.#locked + size > this.#lockLimit) return Errno.ENOMEM;
    // host fact G6: pinned for writing, whatever it is for (host fact R3.6.3).
    if (request.deviceMemory || request.readonly) return Errno.EFAULT;
    // host fact G7
    if (this.#blocks.firstOverlapping(start, end)) return Errno.EINVAL;

    // host fact R3.6.2
    const natural = lowestSetBit(start | size);
    const backed = request.hugePageSize ?? this.#hostPageSize;
    this.#blocks.insert({ start, end }, { end, size, pageSize: natural < backed ? natural : backed });
    this.#locked += size;
    this.#enabled = true;
    return 0;
  }

  /**
   * VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY. Linux vfio_iommu_spapr_tce.c:tce_iommu_unregister_pages,
   * host fact R3.6.1. EBUSY for memory that is mapped is the model's; a real kernel succeeds (host fact D5).
   */
  unregisterMemory(start: HostAddress, size: Size): Errno {
    if (!isAligned(start | size, this.#hostPageSize)) return Errno.EINVAL;
    const block = this.#blockAt(start, size);
    if (!block) return Errno.ENOENT;
    const isUsed = (mapping: DmaMapping): boolean =>
      mapping.hostAddress < block.end && start < mapping.hostAddress + mapping.size;
    if (this.mappings().some(isUsed)) return Errno.EBUSY;

    this.#blocks.remove(start);
    this.#locked -= size;
    return 0;
  }

  /**
   * VFIO_IOMMU_SPAPR_TCE_CREATE. On a fresh container it makes two windows, the default one first: a
   * client that wants only its own removes the default window (start 0) before. Linux
   * vfio_iommu_spapr_tce.c:tce_iommu_create_window, pci-ioda.c:pnv_pci_ioda2_create_table,
   * host facts C3 to C9.
   */
  createWindow(request: CreateWindowRequest): CreateWindowResult {
    // host fact C3
    const errno = this.#createDefaultWindow();
    if (errno !== 0) return { errno, window: undefined };
    return this.#createWindow(request);
  }

  /**
   * VFIO_IOMMU_SPAPR_TCE_REMOVE: removes the window that `address` lies in, with its mappings. Linux
   * vfio_iommu_spapr_tce.c:tce_iommu_remove_window, host fact 3.7.
   */
  removeWindow(address: Iova): Errno {
    if (address === 0n && this.#defaultPending) {
      this.#defaultPending = false;
      return 0;
    }
    const window = this.#windowAt(address);
    if (!window) return Errno.EINVAL;
    this.#clear(window.start, window.size);
    this.#slots[window.slot] = undefined;
    return 0;
  }

  /** The windows that exist, by slot. */
  windows(): readonly TceWindow[] {
    return this.#slots.filter((window) => window !== undefined);
  }

  /**
   * VFIO_IOMMU_MAP_DMA. There is no test for overlap: live entries are replaced (host fact R3.4.1). Nothing
   * to map is not an error (host fact R3.4.2). Past the end of the window a real kernel stops
   * (host facts R3.4.3 and D6); the model refuses. For an unaligned IOVA a real kernel returns +1, the model
   * EINVAL (host fact D4). Linux vfio_iommu_spapr_tce.c:tce_iommu_ioctl and tce_iommu_build_v2,
   * host facts T1 to T11.
   */
  map(request: DmaMapRequest): Errno {
    const { iova: start, size, hostAddress: source } = request;
    // host fact T1
    if (!this.#enabled) return Errno.EPERM;
    // host fact T3
    const errno = this.#createDefaultWindow();
    if (errno !== 0) return errno;
    // host fact T4
    const window = this.#windowAt(start);
    if (!window) return Errno.ENXIO;
    // host facts T5 and T7
    if (!isAligned(size | source | start, window.pageSize)) return Errno.EINVAL;
    if (start + size > endOf(window)) return Errno.EINVAL;
    if (size === 0n) return 0;

    // host facts T8 and R3.4.4; host fact T11: what a failing call wrote before it failed is cleared, not
    // restored.
    const reached = this.#registeredUpTo(source, source + size, window.pageSize);
    if (reached > source) this.#clear(start, reached - source);
    if (reached < source + size) return Errno.EINVAL;
    this.#table.insert(request);
    return 0;
  }

  /**
   * VFIO_IOMMU_UNMAP_DMA: clears the entries, which need not have been set. The kernel does not tell how
   * many were; `unmapped` does. Linux vfio_iommu_spapr_tce.c:tce_iommu_ioctl, host fact 3.5.
   */
  unmap(start: Iova, size: Size): UnmapResult {
    if (!this.#enabled) return failed(Errno.EPERM);
    const errno = this.#createDefaultWindow();
    if (errno !== 0) return failed(errno);
    const window = this.#windowAt(start);
    if (!window) return failed(Errno.ENXIO);
    if (!isAligned(start | size, window.pageSize)) return failed(Errno.EINVAL);
    if (start + size > endOf(window)) return failed(Errno.EINVAL);
    return { errno: 0, unmapped: size === 0n ? 0n : this.#clear(start, size) };
  }

  mappings(): readonly DmaMapping[] {
    return this.#table.snapshot();
  }

  /** The registered block that is exactly `[start, start + size)`. */
  #blockAt(start: HostAddress, size: Size): MemoryBlock | undefined {
    const block = this.#blocks.firstOverlapping(start, start + 1n);
    return block?.size === size && block.end === start + size ? block : undefined;
  }

  #windowAt(address: Iova): TceWindow | undefined {
    return this.#slots.find((window) => window && window.start <= address && address < endOf(window));
  }

  /** host fact 3.3: a failure leaves the window pending. */
  #createDefaultWindow(): Errno {
    if (!this.#defaultPending) return 0;
    const { errno } = this.#createWindow({ pageSize: DEFAULT_WINDOW_PAGE, size: this.#dma32.size });
    if (errno === 0) this.#defaultPending = false;
    return errno;
  }

  #createWindow({ pageSize, size, levels = 1 }: CreateWindowRequest): CreateWindowResult {
    const refused = (errno: Errno): CreateWindowResult => ({ errno, window: undefined });
    // host fact C4
    const slot = this.#slots.indexOf(undefined);
    if (slot < 0) return refused(Errno.ENOSPC);
    // host fact C5
    if (!isPowerOfTwo(pageSize) || (this.pageSizes & pageSize) === 0n) return refused(Errno.EINVAL);
    // host fact C7; a pseries kernel accepts 0 levels (host fact D7).
    if (!isPowerOfTwo(size) || size < pageSize) return refused(Errno.EINVAL);
    if (levels < 1 || levels > this.#maxLevels) return refused(Errno.EINVAL);
    // host fact C9: a level takes at least a host page.
    const entriesShift = Math.ceil((shiftOf(size) - shiftOf(pageSize)) / levels);
    const levelShift = Math.max(entriesShift + 3, shiftOf(this.#hostPageSize));
    if ((levelShift - 3) * levels + shiftOf(pageSize) >= 55) return refused(Errno.EINVAL);

    const start = slot === 0 ? this.#dma32.start : iova(BigInt(slot) * SECOND_WINDOW);
    const window = { slot, start, size, pageSize };
    this.#slots[slot] = window;
    return { errno: 0, window };
  }

  /** Where the first page from `start` on begins that no block allows, or `end`. */
  #registeredUpTo(start: bigint, end: bigint, pageSize: Size): bigint {
    let reached = start;
    while (reached < end) {
      const block = this.#blocks.firstOverlapping(reached, reached + 1n);
      // Blocks begin and end at multiples of their own page size, so no page that passes lies in two.
      if (!block || block.pageSize < pageSize) break;
      reached = block.end < end ? block.end : end;
    }
    return reached;
  }

  /** Clears the entries of `[start, start + size)`, at least a byte; returns how many bytes were mapped. */
  #clear(start: Iova, size: Size): Size {
    const end = start + size;
    let bytes = 0n;
    for (const mapping of this.#table.overlapping(start, size)) {
      const mappingEnd = mapping.iova + mapping.size;
      bytes += this.#table.remove([mapping]);
      const kept: DmaMapping[] = [];
      if (mapping.iova < start) kept.push(partOf(mapping, mapping.iova, start));
      if (mappingEnd > end) kept.push(partOf(mapping, end, mappingEnd));
      for (const part of kept) {
        this.#table.insert(part);
        bytes -= part.size;
      }
    }
    return bytes;
  }
}
