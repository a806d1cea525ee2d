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
  failedMap,
  failedUnmap,
  type ChosenMapResult,
  type DmaBufPart,
  type DmaMapping,
  type DmaMapRequest,
  type IommuContainer,
  type UnmapResult,
} from './iommu-container.ts';
import { chooseIova } from './iova-choice.ts';
import { DEFAULT_KERNEL, type IommufdRules, type KernelRules } from './kernels/index.ts';
import { MappingTable } from './mapping-table.ts';
import { PinnedMemory } from './pinned-memory.ts';

/** The IOMMU domain of a device. */
export interface IommuDomain {
  /** The page sizes of the domain; 0 while no device is attached. */
  readonly domainPageSizes: PageSizeBitmap;
  /**
   * The addresses that are not reserved, ascending, with a gap between any two. Empty, the default, is every
   * address.
   */
  readonly apertures?: readonly Aperture[] | undefined;
}

/** No device is attached. */
const DETACHED: IommuDomain = { domainPageSizes: 0n };

/** The host behind an I/O address space of iommufd, and the domain that is attached at first. */
export interface IommufdOptions extends IommuDomain {
  /** The host kernel's page in bytes. */
  readonly hostPageSize: Size;
  /** The kernel; `DEFAULT_KERNEL` by default. */
  readonly kernel?: KernelRules | undefined;
  /** RLIMIT_MEMLOCK in bytes of a caller without CAP_IPC_LOCK (host fact R2.2.4). No limit by default. */
  readonly lockLimit?: Size | undefined;
  /** Memory that the kernel cannot use, beside requests that say so themselves. None by default. */
  readonly isUnusable?: ((request: DmaMapRequest) => boolean) | undefined;
}

/**
 * An I/O address space (IOAS) of iommufd with its native calls. QEMU's iommufd backend gives every map its IOVA
 * (IOMMU_IOAS_MAP_FIXED_IOVA). Not the VFIO compatibility container. Linux drivers/iommu/iommufd, host facts 2.1 to
 * 2.4. The number of mappings has no limit (host fact R2.2.5).
 */
export class IommufdIoas implements IommuContainer {
  readonly #hostPageSize: Size;
  readonly #rules: IommufdRules;
  readonly #pins: PinnedMemory;
  readonly #isUnusable: IommufdOptions['isUnusable'];
  readonly #table = new MappingTable();
  #domain: IommuDomain;

  /** @throws RangeError for a kernel without iommufd. */
  constructor(options: IommufdOptions) {
    const rules = (options.kernel ?? DEFAULT_KERNEL).iommufd;
    if (rules === undefined) throw new RangeError('the kernel has no iommufd');
    this.#rules = rules;
    this.#pins = new PinnedMemory(options.lockLimit);
    this.#isUnusable = options.isUnusable;
    this.#domain = options;
    this.#hostPageSize = options.hostPageSize;
  }

  /**
   * The domain's own page sizes. iommufd keeps sizes below the host page, which type1 drops
   * (host fact R2.1.1). The kernel reports the smallest alone (`alignment`), and QEMU uses no other.
   */
  get pageSizes(): PageSizeBitmap {
    return this.#domain.domainPageSizes;
  }

  /**
   * A, which IOMMU_IOAS_IOVA_RANGES reports as `out_iova_alignment`: 1 byte while no domain is attached. Linux
   * io_pagetable.c:iopt_calculate_iova_alignment.
   */
  get alignment(): Size {
    return smallestPage(this.pageSizes) || 1n;
  }

  /** The addresses that are not reserved, as IOMMU_IOAS_IOVA_RANGES reports them (host fact R2.4.1). */
  get iovaRanges(): readonly Aperture[] {
    const ranges = this.#domain.apertures ?? [];
    return ranges.length > 0 ? ranges : [{ first: 0n as Iova, last: LAST_ADDRESS as Iova }];
  }

  /**
   * IOMMU_IOAS_MAP, or IOMMU_IOAS_MAP_FILE of a dma-buf, with a fixed IOVA. Linux ioas.c:iommufd_ioas_map and
   * io_pagetable.c:iopt_check_iova, host facts I2 to I14. Flags and object are always valid (host facts I1,
   * I3 and I4).
   */
  map(request: DmaMapRequest): Errno {
    const { iova, size } = request;
    // host fact I2
    if (iova === LAST_ADDRESS) return Errno.EOVERFLOW;
    const errno = this.#checkMemory(request);
    if (errno !== 0) return errno;
    // host facts I7 and I8
    if (!isAligned(size | iova, this.alignment)) return Errno.EINVAL;
    // host fact I9
    if (iova + size > END_OF_SPACE) return Errno.EOVERFLOW;
    // host facts I10 and I11: reserved addresses come before overlaps; in type1 after them
    // (host fact R2.2.1).
    if (!isUsable(this.#domain.apertures ?? [], iova, size)) return Errno.EINVAL;
    if (this.#table.firstOverlapping(iova, size) !== undefined) return Errno.EEXIST;
    return this.#insert(request);
  }

  /** The same without IOMMU_IOAS_MAP_FIXED_IOVA: the kernel chooses the IOVA, and ignores that of the request. */
  mapAnywhere(request: DmaMapRequest): ChosenMapResult {
    // host fact I2: also of an IOVA that is not fixed.
    if (request.iova === LAST_ADDRESS) return failedMap(Errno.EOVERFLOW);
    const wrong = this.#checkMemory(request);
    if (wrong !== 0) return failedMap(wrong);
    // host fact I7
    if (!isAligned(request.size, this.alignment)) return failedMap(Errno.EINVAL);
    const { errno, iova } = chooseIova({
      ...{ size: request.size, memory: request.dmaBuf?.start ?? request.hostAddress },
      ...{ alignment: this.alignment, hostPageSize: this.#hostPageSize },
      apertures: this.#domain.apertures ?? [],
      taken: this.mappings().map(({ iova: start, size }) => ({ start, end: start + size })),
    });
    if (errno !== 0) return failedMap(errno);
    const refused = this.#insert({ ...request, iova });
    return refused === 0 ? { errno: 0, iova } : failedMap(refused);
  }

  /**
   * VFIO_DEVICE_ATTACH_IOMMUFD_PT: gives the mappings to the domain of a device. A mapping that the domain cannot take
   * is EADDRINUSE, before memory that cannot be pinned. A device that is attached already stays. Linux
   * io_pagetable.c:iopt_table_add_domain, host facts R2.1.1, R2.4.2 and R2.4.3.
   */
  attach(domain: IommuDomain): Errno {
    if (this.pageSizes !== 0n) return 0;
    const { domainPageSizes, apertures = [] } = domain;
    const page = smallestPage(domainPageSizes);
    const fits = ({ iova, size, hostAddress }: DmaMapping): boolean =>
      isAligned(iova | size | (hostAddress & (this.#hostPageSize - 1n)), page) &&
      isUsable(apertures, iova, size);
    if (!this.mappings().every(fits)) return Errno.EADDRINUSE;
    // A dma-buf that was revoked stays a mapping without memory (host fact B8).
    for (const mapping of this.mappings()) {
      if (mapping.dmaBuf === undefined && this.#isUnpinnable(mapping)) return Errno.EFAULT;
    }
    this.#domain = domain;
    return 0;
  }

  /** VFIO_DEVICE_DETACH_IOMMUFD_PT: the mappings stay (host fact R2.4.3). */
  detach(): void {
    this.#domain = DETACHED;
  }

  /** The tests before the kernel looks at IOVAs: of the length, of the memory's end, and of a dma-buf. */
  #checkMemory(request: DmaMapRequest): Errno {
    const { size, hostAddress, dmaBuf } = request;
    // host fact I2
    if (size === LAST_ADDRESS) return Errno.EOVERFLOW;
    if (dmaBuf !== undefined && this.#rules.mapsDmaBufOfBar) return this.#checkDmaBuf(request, dmaBuf);
    // host facts I5, I6 and R2.2.6: the end must fit, not only the last byte as in host fact I9.
    const isEndTooHigh = hostAddress + size > LAST_ADDRESS;
    if (isEndTooHigh && this.#rules.checksMemoryEndFirst) return Errno.EOVERFLOW;
    if (size === 0n || size > LAST_ADDRESS - this.#hostPageSize) return Errno.EINVAL;
    return isEndTooHigh ? Errno.EOVERFLOW : 0;
  }

  /** A dma-buf is tested before the IOVA, attached or not (host facts B4, B5, B7 and R11.1). */
  #checkDmaBuf(request: DmaMapRequest, { start, bytes, ranges }: DmaBufPart): Errno {
    const { size } = request;
    if (size === 0n) return Errno.EINVAL;
    if (start + size - 1n > LAST_ADDRESS) return Errno.EOVERFLOW;
    // An end of 2^64 fits here, and lies beyond the dma-buf; for memory at an address it does not fit (host fact I6).
    if (start + size > bytes) return Errno.EINVAL;
    if (this.#isUnusableNow(request)) return Errno.ENODEV;
    return ranges > 1 ? Errno.EOPNOTSUPP : 0;
  }

  #isUnusableNow(request: DmaMapRequest): boolean {
    return request.unusable === true || this.#isUnusable?.(request) === true;
  }

  /** Maps at addresses that are free. */
  #insert(request: DmaMapRequest): Errno {
    // host fact I13: the kernel tests the offset in the page alone, so an alignment above the page asks for a
    // multiple of the page.
    if (!isAligned(request.hostAddress & (this.#hostPageSize - 1n), this.alignment)) return Errno.EINVAL;
    const isDmaBuf = request.dmaBuf !== undefined && this.#rules.mapsDmaBufOfBar;
    const errno = this.pageSizes === 0n || isDmaBuf ? 0 : this.#errnoOfPinning(request);
    if (errno !== 0) return errno;
    this.#pins.add(request);
    this.#table.insert(request);
    return 0;
  }

  /** Why the kernel cannot pin the memory for a domain; 0 if it can (host facts I14, R2.2.3 and D18). */
  #errnoOfPinning(request: DmaMapRequest): Errno {
    if (this.#isUnpinnable(request)) return Errno.EFAULT;
    return this.#pins.hasRoomFor(request) ? 0 : Errno.ENOMEM;
  }

  /** The mmap of a BAR has no pages to pin. */
  #isUnpinnable(request: DmaMapRequest): boolean {
    return request.deviceMemory || this.#isUnusableNow(request);
  }

  /**
   * IOMMU_IOAS_UNMAP: removes the mappings inside the range. A mapping that the range cuts ends the call
   * with an error. The mappings below are removed by then, so the result may have both an error and bytes.
   * A range without mappings is an error. Linux ioas.c:iommufd_ioas_unmap,
   * io_pagetable.c:iopt_unmap_iova_range, host fact 2.3.
   *
   * @param iova 0 with `size` 2^64 - 1 removes all mappings.
   */
  unmap(iova: Iova, size: Size): UnmapResult {
    if (iova === 0n && size === LAST_ADDRESS) return this.unmapAll();
    if (iova === LAST_ADDRESS || size === LAST_ADDRESS) return failedUnmap(Errno.EOVERFLOW);
    if (size === 0n) return failedUnmap(Errno.EINVAL);
    const end = iova + size;
    if (end > END_OF_SPACE) return failedUnmap(Errno.EOVERFLOW);

    const mappings = this.#table.overlapping(iova, size);
    const cut = mappings.findIndex((mapping) => mapping.iova < iova || mapping.iova + mapping.size > end);
    const removed = cut < 0 ? mappings : mappings.slice(0, cut);
    this.#pins.remove(removed);
    const unmapped = this.#table.remove(removed);
    const failed = removed.length < mappings.length || unmapped === 0n;
    return { errno: failed ? Errno.ENOENT : 0, unmapped };
  }

  /** IOMMU_IOAS_UNMAP of all mappings: succeeds also without any. */
  unmapAll(): UnmapResult {
    this.#pins.remove(this.#table.snapshot());
    return { errno: 0, unmapped: this.#table.clear() };
  }

  mappings(): readonly DmaMapping[] {
    return this.#table.snapshot();
  }
}
