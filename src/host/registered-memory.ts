import {
  END_OF_SPACE,
  isAligned,
  lowestSetBit,
  type HostAddress,
  type Range,
  type Size,
} from '../address/index.ts';
import { DisjointRanges } from './disjoint-ranges.ts';
import { Errno } from './errno.ts';
import { failed, SUCCESS, type SystemCallAnswer } from './system-call-answer.ts';

/** VFIO_IOMMU_SPAPR_REGISTER_MEMORY, with what the kernel finds at the address. */
export interface RegisterMemoryRequest {
  readonly hostAddress: HostAddress;
  readonly size: Size;
  /** Whether the memory cannot be written. False by default. */
  readonly readonly?: boolean | undefined;
  /** Whether the memory is an mmapped BAR. False by default. */
  readonly deviceMemory?: boolean | undefined;
  /** Whether nothing can be read at the address: a hole or PROT_NONE. False by default. */
  readonly unusable?: boolean | undefined;
  /**
   * How many pages at the beginning the kernel can pin where it cannot pin all of them (host fact D13). 0 by
   * default; without a meaning for memory that can be pinned.
   */
  readonly pinnablePages?: number | undefined;
  /** Bytes of a huge page, if hugetlbfs backs every page of the block. */
  readonly hugePageSize?: Size | undefined;
}

interface MemoryBlock extends Range {
  /** The largest IOMMU page that may point into the block. */
  readonly pageSize: Size;
  /** False for a block that was unregistered and could not be freed (host fact D5). */
  isRegistered: boolean;
  /** Whether a mapping pointed into the block when it was unregistered: the kernel never frees it (host fact D5). */
  isKept: boolean;
}

/** The memory that a process has registered with a sPAPR v2 container (host fact 3.6). */
export class RegisteredMemory {
  readonly #hostPageSize: Size;
  readonly #lockLimit: Size | undefined;
  readonly #blocks = new DisjointRanges<MemoryBlock>();
  #locked = 0n;

  /**
   * @param hostPageSize the host kernel's page in bytes.
   * @param lockLimit RLIMIT_MEMLOCK in bytes; `undefined` for no limit.
   */
  constructor(hostPageSize: Size, lockLimit: Size | undefined) {
    this.#hostPageSize = hostPageSize;
    this.#lockLimit = lockLimit;
  }

  /**
   * VFIO_IOMMU_SPAPR_REGISTER_MEMORY. Linux vfio_iommu_spapr_tce.c:tce_iommu_register_pages,
   * iommu_api.c:mm_iommu_do_alloc, host facts G2 to G7.
   */
  register(request: RegisterMemoryRequest): SystemCallAnswer {
    const { hostAddress: start, size } = request;
    const end = start + size;
    // host fact G2: the end must fit.
    if (!isAligned(start | size, this.#hostPageSize) || end >= END_OF_SPACE) return failed(Errno.EINVAL);
    // host fact R3.6.4: the kernel cannot allocate an empty list of pages.
    if (size === 0n) return failed(Errno.ENOMEM);
    // host facts G3 and D5
    const same = this.#blockAt(start, size);
    if (same?.isRegistered) return failed(Errno.EBUSY);
    if (same !== undefined) {
      same.isRegistered = true;
      return SUCCESS;
    }
    // host fact G5
    const hasRoom = this.#lockLimit === undefined || this.#locked + size <= this.#lockLimit;
    if (!hasRoom) return failed(Errno.ENOMEM);
    // host facts G6, R3.6.3 and D13: the kernel pins for writing.
    if (request.deviceMemory || request.readonly || request.unusable) {
      const pages = request.pinnablePages ?? 0;
      return pages > 0 ? { returned: pages, errno: 0 } : failed(Errno.EFAULT);
    }
    // host fact G7
    if (this.#blocks.firstOverlapping(start, end)) return failed(Errno.EINVAL);

    // host fact R3.6.2: the largest page that divides address, size and the pages behind the block.
    const pageSize = lowestSetBit(start | size | (request.hugePageSize ?? this.#hostPageSize));
    this.#blocks.insert({ start, end }, { start, end, pageSize, isRegistered: true, isKept: false });
    this.#locked += size;
    return SUCCESS;
  }

  /**
   * VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY. Linux vfio_iommu_spapr_tce.c:tce_iommu_unregister_pages,
   * host facts R3.6.1 and D5.
   *
   * @param isMapped whether a DMA mapping points into the block.
   */
  unregister(start: HostAddress, size: Size, isMapped: (block: Range) => boolean): Errno {
    if (!isAligned(start | size, this.#hostPageSize)) return Errno.EINVAL;
    const block = this.#blockAt(start, size);
    if (!block?.isRegistered) return Errno.ENOENT;
    if (block.isKept || isMapped(block)) {
      // The block stays, and maps into the block still succeed (host fact D5).
      block.isRegistered = false;
      block.isKept = true;
      return 0;
    }
    this.#blocks.remove(start);
    this.#locked -= size;
    return 0;
  }

  /**
   * The address up to which pages of `pageSize` bytes may point into registered memory, from `start` on and
   * at most `end` (host facts T8 and R3.6.2).
   */
  reachableFrom(start: bigint, end: bigint, pageSize: Size): bigint {
    let reached = start;
    while (reached < end) {
      const block = this.#blocks.firstOverlapping(reached, reached + 1n);
      // Blocks begin and end at multiples of their own page size, so a page that passes lies in one block.
      if (!block || block.pageSize < pageSize) break;
      reached = block.end < end ? block.end : end;
    }
    return reached;
  }

  /** The block that is exactly `[start, start + size)`. */
  #blockAt(start: HostAddress, size: Size): MemoryBlock | undefined {
    const block = this.#blocks.firstOverlapping(start, start + 1n);
    return block?.start === start && block.end === start + size ? block : undefined;
  }
}
