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
import { DEFAULT_KERNEL, type IommufdRules, type KernelRules } from './kernels/index.ts';
import { MappingTable } from './mapping-table.ts';
import { PinnedMemory } from './pinned-memory.ts';

/** The host behind an I/O address space of iommufd. */
export interface IommufdOptions {
  /** The host kernel's page in bytes. */
  readonly hostPageSize: Size;
  /** The page sizes of the attached IOMMU domain; 0 while no device is attached. */
  readonly domainPageSizes: PageSizeBitmap;
  /**
   * The addresses that are not reserved, ascending, with a gap between any two. Empty, the default, is every
   * address.
   */
  readonly apertures?: readonly Aperture[] | undefined;
  /** The kernel; `DEFAULT_KERNEL` by default. */
  readonly kernel?: KernelRules | undefined;
  /** RLIMIT_MEMLOCK in bytes of a caller without CAP_IPC_LOCK (host fact R2.2.4). No limit by default. */
  readonly lockLimit?: Size | undefined;
  /** Memory that the kernel cannot use, beside requests that say so themselves. None by default. */
  readonly isUnusable?: ((request: DmaMapRequest) => boolean) | undefined;
}

/**
 * An I/O address space (IOAS) of iommufd with its native calls, as QEMU's iommufd backend makes them: every
 * map has IOMMU_IOAS_MAP_FIXED_IOVA. Not the VFIO compatibility container. Linux drivers/iommu/iommufd,
 * host facts 2.1 to 2.3. The number of mappings has no limit (host fact R2.2.5).
 */
export class IommufdIoas implements IommuContainer {
  /**
   * The domain's own page sizes. iommufd keeps sizes below the host page, which type1 drops
   * (host fact R2.1.1). The kernel reports the smallest alone (`out_iova_alignment`), and QEMU uses no other.
   */
  readonly pageSizes: PageSizeBitmap;
  readonly #hostPageSize: Size;
  readonly #alignment: Size;
  readonly #apertures: readonly Aperture[];
  readonly #rules: IommufdRules;
  readonly #pins: PinnedMemory;
  readonly #isUnusable: IommufdOptions['isUnusable'];
  readonly #table = new MappingTable();

  /** @throws RangeError for a kernel without iommufd. */
  constructor(options: IommufdOptions) {
    const rules = (options.kernel ?? DEFAULT_KERNEL).iommufd;
    if (rules === undefined) throw new RangeError('the kernel has no iommufd');
    this.#rules = rules;
    this.#pins = new PinnedMemory(options.lockLimit);
    this.#isUnusable = options.isUnusable;
    this.pageSizes = options.domainPageSizes;
    this.#hostPageSize = options.hostPageSize;
    // Linux io_pagetable.c:iopt_calculate_iova_alignment: 1 byte while no domain is attached.
    this.#alignment = smallestPage(options.domainPageSizes) || 1n;
    this.#apertures = options.apertures ?? [];
  }

  /**
   * IOMMU_IOAS_MAP, or IOMMU_IOAS_MAP_FILE of a dma-buf, with a fixed IOVA. Linux ioas.c:iommufd_ioas_map and
   * io_pagetable.c:iopt_check_iova, host facts I2 to I14. Flags and object are always valid (host facts I1,
   * I3 and I4).
   */
  map(request: DmaMapRequest): Errno {
    const { iova, size, hostAddress } = request;
    const alignment = this.#alignment;
    // host fact I2
    if (iova === LAST_ADDRESS || size === LAST_ADDRESS) return Errno.EOVERFLOW;
    // host facts I5, I6 and R2.2.6: the end must fit, not only the last byte as in host fact I9.
    const isEndTooHigh = hostAddress + size > LAST_ADDRESS;
    if (isEndTooHigh && this.#rules.checksMemoryEndFirst) return Errno.EOVERFLOW;
    if (size === 0n || size > LAST_ADDRESS - this.#hostPageSize) return Errno.EINVAL;
    if (isEndTooHigh) return Errno.EOVERFLOW;
    // host facts I7 and I8
    if (!isAligned(size | iova, alignment)) return Errno.EINVAL;
    // host fact I9
    if (iova + size > END_OF_SPACE) return Errno.EOVERFLOW;
    // host facts I10 and I11: reserved addresses come before overlaps; in type1 after them
    // (host fact R2.2.1).
    if (!isUsable(this.#apertures, iova, size)) return Errno.EINVAL;
    if (this.#table.firstOverlapping(iova, size) !== undefined) return Errno.EEXIST;
    // host fact I13: the kernel tests the offset in the page alone, so an alignment above the page asks for a
    // multiple of the page.
    if (!isAligned(hostAddress & (this.#hostPageSize - 1n), alignment)) return Errno.EINVAL;
    const errno = this.#errnoOfMemory(request);
    if (errno !== 0) return errno;

    this.#pins.add(request);
    this.#table.insert(request);
    return 0;
  }

  /**
   * Why the kernel refuses the memory of a map; 0 if it does not. A dma-buf is always tested, memory at an address only
   * once a domain is attached (host facts I14, R2.2.3, B4, B5, B7 and D18).
   */
  #errnoOfMemory(request: DmaMapRequest): Errno {
    const { deviceMemory, dmaBuf, size } = request;
    const unusable = request.unusable || this.#isUnusable?.(request);
    if (dmaBuf !== undefined && this.#rules.mapsDmaBufOfBar) {
      if (dmaBuf.start + size > dmaBuf.bytes) return Errno.EINVAL;
      if (dmaBuf.ranges > 1) return Errno.EOPNOTSUPP;
      // A dma-buf that was revoked cannot be mapped, attached or not.
      return unusable ? Errno.ENODEV : 0;
    }
    if (this.pageSizes === 0n) return 0;
    // The mmap of a BAR has no pages to pin.
    if (deviceMemory || unusable) return Errno.EFAULT;
    return this.#pins.hasRoomFor(request) ? 0 : Errno.ENOMEM;
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
