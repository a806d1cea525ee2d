import {
  hostAddress,
  iova,
  isAligned,
  offset,
  type HostAddress,
  type Iova,
  type PageSizeBitmap,
  type Size,
} from '../address/index.ts';
import { Errno } from './errno.ts';
import {
  failedUnmap,
  type DmaMapping,
  type DmaMapRequest,
  type IommuContainer,
  type UnmapResult,
} from './iommu-container.ts';
import { MappingTable } from './mapping-table.ts';
import { RegisteredMemory, type RegisterMemoryRequest } from './registered-memory.ts';
import { failed, RETURNED_ONE, SUCCESS, type SystemCallAnswer } from './system-call-answer.ts';
import {
  TceWindows,
  endOfWindow,
  type CreateWindowRequest,
  type PowerPlatform,
  type TceWindow,
  type WindowResult,
} from './tce-windows.ts';

/** The POWER host behind a sPAPR container. */
export interface SpaprTceOptions {
  /** The host kernel's page in bytes; 64K on most POWER machines. */
  readonly hostPageSize: Size;
  /** The page sizes that windows may have; `POWERNV_PAGE_SIZES` by default. */
  readonly pageSizes?: PageSizeBitmap | undefined;
  /** The default window; `[0, 2 GiB)` by default. */
  readonly dma32?: { readonly start: Iova; readonly size: Size } | undefined;
  /** Bare metal (the default) or a pseries guest (host fact 3.1). */
  readonly platform?: PowerPlatform | undefined;
  /** How many windows there may be: 2 (the default) on every kernel so far, 1 in some LPARs. */
  readonly maxWindows?: number | undefined;
  /** How many levels a table may have; 5 on bare metal (the default), 1 in an LPAR. */
  readonly maxLevels?: number | undefined;
  /** RLIMIT_MEMLOCK in bytes; no limit by default. */
  readonly lockLimit?: Size | undefined;
}

/** The page sizes of a POWER8 host whose firmware names none (host fact 3.1): 4K, 64K, 16M and 256M. */
export const POWERNV_PAGE_SIZES: PageSizeBitmap = (1n << 12n) | (1n << 16n) | (1n << 24n) | (1n << 28n);

const DEFAULT_DMA32 = { start: iova(0n), size: 1n << 31n };

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
 * A VFIO container of type sPAPR TCE v2 with one group of a POWER host. Linux
 * drivers/vfio/vfio_iommu_spapr_tce.c and arch/powerpc, host facts 3.1 to 3.9.
 *
 * The kernel keeps single table entries. The model keeps a mapping whole until a later call overwrites or
 * clears a part of the mapping.
 */
export class SpaprTceContainer implements IommuContainer {
  readonly pageSizes: PageSizeBitmap;
  readonly #memory: RegisteredMemory;
  readonly #windows: TceWindows;
  readonly #table = new MappingTable();
  /** Whether memory was ever registered (host fact T1). */
  #isEnabled = false;
  /** Whether the container belongs to a process (host fact R3.6.5). */
  #hasProcess = false;

  constructor(options: SpaprTceOptions) {
    this.pageSizes = options.pageSizes ?? POWERNV_PAGE_SIZES;
    this.#memory = new RegisteredMemory(options.hostPageSize, options.lockLimit);
    this.#windows = new TceWindows({
      platform: options.platform ?? 'powernv',
      hostPageSize: options.hostPageSize,
      pageSizes: this.pageSizes,
      dma32: options.dma32 ?? DEFAULT_DMA32,
      maxWindows: options.maxWindows ?? 2,
      maxLevels: options.maxLevels ?? 5,
    });
  }

  /**
   * VFIO_IOMMU_SPAPR_REGISTER_MEMORY: only registered memory can be mapped later (host facts G2 to G7). The call
   * returns a number of pages where the kernel can pin no more than those (host fact D13).
   */
  answerRegisterMemory(request: RegisterMemoryRequest): SystemCallAnswer {
    this.joinProcess();
    const answer = this.#memory.register(request);
    if (answer.returned === 0) this.#isEnabled = true;
    return answer;
  }

  /** `answerRegisterMemory` as a VMM takes it that knows success and failure: EFAULT for a positive answer. */
  registerMemory(request: RegisterMemoryRequest): Errno {
    const { returned, errno } = this.answerRegisterMemory(request);
    return returned > 0 ? Errno.EFAULT : errno;
  }

  /**
   * VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY (host fact R3.6.1). Memory that is mapped can be unregistered and stays
   * in use (host fact D5).
   */
  unregisterMemory(start: HostAddress, size: Size): Errno {
    if (!this.#hasProcess) return Errno.EPERM;
    return this.#memory.unregister(start, size, (block) =>
      this.mappings().some(
        (mapping) => mapping.hostAddress < block.end && block.start < mapping.hostAddress + mapping.size,
      ),
    );
  }

  /**
   * VFIO_IOMMU_SPAPR_TCE_CREATE (host facts C3 to C9). On a fresh container the call makes two windows, the
   * default one first. A caller that wants its own window alone first removes the default window (start 0).
   */
  createWindow(request: CreateWindowRequest): WindowResult {
    this.joinProcess();
    return this.#windows.create(request);
  }

  /**
   * VFIO_IOMMU_SPAPR_TCE_REMOVE: removes the window that holds `address`, with its mappings
   * (host fact 3.7).
   */
  removeWindow(address: Iova): Errno {
    this.joinProcess();
    const { errno, window } = this.#windows.remove(address);
    if (window !== undefined) this.#clear(window.start, window.size);
    return errno;
  }

  /**
   * The container belongs to the process that first makes one of the calls on memory and windows, also one that fails.
   * Before, nothing can be unregistered (tce_iommu_mm_set, host fact R3.6.5).
   */
  joinProcess(): void {
    this.#hasProcess = true;
  }

  /** Whether the container belongs to a process. */
  get hasProcess(): boolean {
    return this.#hasProcess;
  }

  /** Whether maps and unmaps are allowed: memory was registered before (host fact T1). */
  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  /** The windows that exist, by slot. */
  windows(): readonly TceWindow[] {
    return this.#windows.list();
  }

  /**
   * VFIO_IOMMU_MAP_DMA. The call does not test for an overlap and replaces live entries (host fact R3.4.1). A
   * size of 0 is no error (host fact R3.4.2). Past the end of the window a real kernel stops
   * (host facts R3.4.3 and D6); the model refuses. For an unaligned IOVA the call returns 1 (host fact D4).
   * Linux vfio_iommu_spapr_tce.c:tce_iommu_ioctl and tce_iommu_build_v2, host facts T1 to T11.
   *
   * @param options.grantsAccess whether the request has the flag READ or WRITE (host fact T6); true by default.
   */
  answerMap(request: DmaMapRequest, options: { readonly grantsAccess?: boolean } = {}): SystemCallAnswer {
    const { iova: start, size, hostAddress: source } = request;
    const found = this.#findWindow(start);
    if (typeof found === 'number') return failed(found);
    // host fact T5
    if (!isAligned(size | source, found.pageSize)) return failed(Errno.EINVAL);
    // host fact T6
    if (options.grantsAccess === false) return failed(Errno.EINVAL);
    // host facts T7 and D4
    if (!isAligned(start, found.pageSize)) return RETURNED_ONE;
    if (start + size > endOfWindow(found)) return failed(Errno.EINVAL);
    if (size === 0n) return SUCCESS;

    // host facts T8 and R3.4.4. When a page fails, the kernel clears the entries that the call has written
    // and does not restore older ones (host fact T11).
    const reached = this.#memory.reachableFrom(source, source + size, found.pageSize);
    if (reached > source) this.#clear(start, reached - source);
    if (reached < source + size) return failed(Errno.EINVAL);
    this.#table.insert(request);
    return SUCCESS;
  }

  /** `answerMap` as a VMM takes it that knows success and failure: EINVAL for a positive answer. */
  map(request: DmaMapRequest): Errno {
    const { returned, errno } = this.answerMap(request);
    return returned > 0 ? Errno.EINVAL : errno;
  }

  /**
   * VFIO_IOMMU_UNMAP_DMA: clears the entries; clearing empty entries succeeds. An IOVA off the page, and a range
   * past the end of the window, return 1 (host fact D4). The kernel does not return how many bytes were mapped;
   * the model's `unmapped` does. Linux vfio_iommu_spapr_tce.c:tce_iommu_ioctl, host fact 3.5.
   */
  answerUnmap(start: Iova, size: Size): SystemCallAnswer & { readonly unmapped: Size } {
    const nothing = (answer: SystemCallAnswer) => ({ ...answer, unmapped: 0n });
    const found = this.#findWindow(start);
    if (typeof found === 'number') return nothing(failed(found));
    if (!isAligned(size, found.pageSize)) return nothing(failed(Errno.EINVAL));
    if (!isAligned(start, found.pageSize) || start + size > endOfWindow(found)) return nothing(RETURNED_ONE);
    return { ...SUCCESS, unmapped: size === 0n ? 0n : this.#clear(start, size) };
  }

  /** `answerUnmap` as a VMM takes it that knows success and failure: EINVAL for a positive answer. */
  unmap(start: Iova, size: Size): UnmapResult {
    const { returned, errno, unmapped } = this.answerUnmap(start, size);
    if (returned !== 0) return failedUnmap(returned > 0 ? Errno.EINVAL : errno);
    return { errno: 0, unmapped };
  }

  mappings(): readonly DmaMapping[] {
    return this.#table.snapshot();
  }

  /** The window that holds `start`, or why the call fails before its other checks. */
  #findWindow(start: Iova): TceWindow | Exclude<Errno, 0> {
    // host fact T1
    if (!this.#isEnabled) return Errno.EPERM;
    // host fact T3
    const errno = this.#windows.makeDefault();
    if (errno !== 0) return errno;
    // host fact T4
    return this.#windows.at(start) ?? Errno.ENXIO;
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
