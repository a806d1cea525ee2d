import {
  atLeast,
  below,
  END_OF_SPACE,
  smallestPage,
  totalSize,
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
import { DEFAULT_KERNEL, type KernelRules, type Type1Rules } from './kernels/index.ts';
import { PinnedMemory } from './pinned-memory.ts';
import { OrderedMappings, SearchedMappings, type Type1Mappings, type UnmapPlan } from './type1-mappings.ts';

/**
 * The page sizes that type1 reports. The kernel drops the IOMMU domain's sizes below the host page and then
 * adds the host page, which it composes of smaller pages. Linux
 * vfio_iommu_type1.c:vfio_update_pgsize_bitmap, 4.4 and later, host facts 1.2 and R1.2.1.
 *
 * @param domain the domain's page sizes; all ones for a container of emulated devices alone
 *   (host fact R1.2.3).
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
  /** The kernel; `DEFAULT_KERNEL` by default. */
  readonly kernel?: KernelRules | undefined;
  /** The most mappings at a time; `DEFAULT_DMA_ENTRY_LIMIT` by default. Linux 5.1 and later have a limit. */
  readonly maxMappings?: number | undefined;
  /** 1 for VFIO_TYPE1_IOMMU, 2 (the default) for VFIO_TYPE1v2_IOMMU. QEMU prefers 2. */
  readonly version?: 1 | 2 | undefined;
  /**
   * Bytes of the physically contiguous runs in which ordinary memory comes; each run is aligned to its
   * length. By default every request is one run. `hostPageSize` stands for a host that backs guests with
   * single pages. The value plays a part only if the IOMMU's smallest page is larger (host fact R1.4.5).
   */
  readonly contiguousRun?: Size | undefined;
  /**
   * RLIMIT_MEMLOCK in bytes of a caller without CAP_IPC_LOCK: the most memory that mappings pin
   * (host fact R1.4.4). No limit by default.
   */
  readonly lockLimit?: Size | undefined;
  /** Memory that the kernel cannot use, beside requests that say so themselves. None by default. */
  readonly isUnusable?: ((request: DmaMapRequest) => boolean) | undefined;
}

/** A VFIO container of type 1 with one IOMMU domain: Linux vfio_iommu_type1.c, host facts 1.2 to 1.7. */
export class Type1Container implements IommuContainer {
  readonly pageSizes: PageSizeBitmap;
  readonly #granule: Size;
  readonly #apertures: readonly Aperture[];
  readonly #maxMappings: number;
  readonly #version: 1 | 2;
  readonly #runsTooShort: boolean;
  readonly #rules: Type1Rules;
  readonly #pins: PinnedMemory;
  readonly #isUnusable: Type1Options['isUnusable'];
  readonly #mappings: Type1Mappings;
  /** Mappings whose virtual address the VMM has given up, and not replaced yet (host facts R1.5.4 and M9). */
  readonly #withoutAddress = new Set<DmaMapping>();

  /**
   * @throws RangeError for a domain without page sizes, which the kernel does not look for
   * (host fact R1.2.5).
   */
  constructor(options: Type1Options) {
    this.pageSizes = type1PageSizes(options.domainPageSizes, options.hostPageSize);
    if (this.pageSizes === 0n) throw new RangeError('the IOMMU domain has no page size');
    this.#granule = smallestPage(this.pageSizes);
    this.#rules = (options.kernel ?? DEFAULT_KERNEL).type1;
    this.#mappings = this.#rules.findsEndOfSpace ? new OrderedMappings() : new SearchedMappings();
    this.#pins = new PinnedMemory(options.lockLimit);
    this.#isUnusable = options.isUnusable;
    this.#apertures = this.#rules.checksValidIovas ? (options.apertures ?? []) : [];
    this.#maxMappings = this.#rules.limitsMappings
      ? (options.maxMappings ?? DEFAULT_DMA_ENTRY_LIMIT)
      : Number.POSITIVE_INFINITY;
    this.#version = options.version ?? 2;
    const { contiguousRun = END_OF_SPACE } = options;
    this.#runsTooShort = contiguousRun < smallestPage(options.domainPageSizes);
  }

  /** The number of mappings that the container still accepts: VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL. */
  get available(): number {
    return this.#maxMappings - this.#mappings.size;
  }

  /** What releases of Linux changed in type1. */
  get rules(): Type1Rules {
    return this.#rules;
  }

  /** The tests of a map request that do not depend on the mappings (host facts M6 to M8 and D1). */
  checkMap(request: DmaMapRequest): Errno {
    return this.#rules.checkMap(request, this.#granule);
  }

  /**
   * VFIO_IOMMU_MAP_DMA with READ or WRITE. Linux vfio_iommu_type1.c:vfio_dma_do_map, host facts M6 to M14.
   * `requestType1Map` takes any flags. The kernel maps a BAR like other memory (host fact R1.4.3).
   */
  map(request: DmaMapRequest): Errno {
    const { iova, size } = request;
    const errno = this.checkMap(request);
    if (errno !== 0) return errno;
    // host facts M10 and D2
    if (this.#mappings.find(iova, size) !== undefined) return Errno.EEXIST;
    // host fact M11
    if (this.available <= 0) return Errno.ENOSPC;
    // host fact M12
    if (!isUsable(this.#apertures, iova, size)) return Errno.EINVAL;
    const errnoOfMemory = this.#errnoOfMemory(request);
    if (errnoOfMemory !== 0) {
      this.#mappings.insertInVain(request);
      return errnoOfMemory;
    }
    this.#pins.add(request);
    this.#mappings.insert(request);
    return 0;
  }

  /**
   * VFIO_IOMMU_MAP_DMA with the flag VADDR: gives a mapping of exactly this range, whose address was given up, a
   * new one. The kernel does not look at the memory there. Linux vfio_iommu_type1.c:vfio_dma_do_map, host fact M9.
   */
  replaceAddress(request: DmaMapRequest): Errno {
    const { iova, size, hostAddress, backing } = request;
    const errno = this.checkMap(request);
    if (errno !== 0) return errno;
    const mapping = this.#mappings.find(iova, size);
    if (mapping === undefined) return Errno.ENOENT;
    const isExact = mapping.iova === iova && mapping.size === size;
    if (!isExact || !this.#withoutAddress.delete(mapping)) return Errno.EINVAL;
    this.#mappings.replace(mapping, { ...mapping, hostAddress, backing });
    return 0;
  }

  /**
   * VFIO_IOMMU_UNMAP_DMA without flags: removes every mapping that shares an address with the range.
   * Version 2 refuses a range that cuts a mapping. Version 1 also removes a mapping that reaches beyond the
   * end, and removes none if a mapping begins before the start. Linux vfio_iommu_type1.c:vfio_dma_do_unmap,
   * host facts U6, U8, U10, U11, R1.5.1 to R1.5.3 and D2.
   */
  unmap(iova: Iova, size: Size): UnmapResult {
    const mappings = this.#mappingsToUnmap(iova, size);
    return typeof mappings === 'number' ? failedUnmap(mappings) : this.#remove(mappings);
  }

  /**
   * VFIO_IOMMU_UNMAP_DMA with the flag ALL, iova and size 0 (Linux 5.12 and later): removes all mappings that the
   * kernel finds (host fact D2).
   */
  unmapAll(): UnmapResult {
    return this.#remove(this.#mappings.all());
  }

  /**
   * VFIO_IOMMU_UNMAP_DMA with the flag VADDR: the mappings that `unmap` would remove stay, and lose their virtual
   * address. Nothing changes if one has lost its address before (host fact R1.5.4).
   */
  giveUpAddresses(iova: Iova, size: Size): UnmapResult {
    const mappings = this.#mappingsToUnmap(iova, size);
    return typeof mappings === 'number' ? failedUnmap(mappings) : this.#giveUp(mappings);
  }

  /** VFIO_IOMMU_UNMAP_DMA with the flags VADDR and ALL, iova and size 0. */
  giveUpAllAddresses(): UnmapResult {
    return this.#giveUp(this.#mappings.all());
  }

  mappings(): readonly DmaMapping[] {
    return this.#mappings.snapshot();
  }

  /** Why the memory of a map cannot be pinned or mapped in the IOMMU; 0 if it can (host fact M14). */
  #errnoOfMemory(request: DmaMapRequest): Errno {
    // iommu_map refuses a run that does not fill whole pages of the domain (host fact R1.4.5). A request that is one
    // run fills them, because the granule of host fact M7 is no smaller than such a page.
    if (this.#runsTooShort && !request.deviceMemory) return Errno.EINVAL;
    // host facts R1.4.1, R1.4.2 and D18: the kernel looks at the memory last of all.
    if (request.unusable || this.#isUnusable?.(request)) return Errno.EFAULT;
    return this.#pins.hasRoomFor(request) ? 0 : Errno.ENOMEM;
  }

  #mappingsToUnmap(iova: Iova, size: Size): UnmapPlan {
    const errno = this.#rules.checkUnmap(iova, size, this.#granule);
    return errno === 0 ? this.#mappings.toUnmap(iova, size, this.#version) : errno;
  }

  #remove(mappings: readonly DmaMapping[]): UnmapResult {
    this.#pins.remove(mappings);
    for (const mapping of mappings) this.#withoutAddress.delete(mapping);
    return { errno: 0, unmapped: this.#mappings.remove(mappings) };
  }

  #giveUp(mappings: readonly DmaMapping[]): UnmapResult {
    if (mappings.some((mapping) => this.#withoutAddress.has(mapping))) return failedUnmap(Errno.EINVAL);
    for (const mapping of mappings) this.#withoutAddress.add(mapping);
    return { errno: 0, unmapped: totalSize(mappings) };
  }
}
