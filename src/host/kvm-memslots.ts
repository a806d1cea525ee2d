import {
  END_OF_SPACE,
  isAligned,
  LAST_ADDRESS,
  type Gpa,
  type HostAddress,
  type Size,
} from '../address/index.ts';
import { DisjointRanges } from './disjoint-ranges.ts';
import { Errno } from './errno.ts';
import type { Backing } from './iommu-container.ts';

/** A KVM_SET_USER_MEMORY_REGION request, and the slot that it makes. */
export interface Memslot {
  /** The slot's number, from 0. */
  readonly slot: number;
  readonly gpa: Gpa;
  /** In bytes; 0 deletes the slot. */
  readonly size: Size;
  readonly hostAddress: HostAddress;
  /** KVM_MEM_READONLY: the guest's writes exit. */
  readonly readonly: boolean;
  /** KVM_MEM_LOG_DIRTY_PAGES: KVM logs the pages that the guest writes. */
  readonly logDirtyPages: boolean;
  readonly backing: Backing;
}

/** The number of user slots on x86 since Linux 5.12: 32767 less three that KVM keeps (host fact K3). */
export const DEFAULT_SLOT_LIMIT = 32764;

/** The host's KVM. */
export interface KvmOptions {
  /**
   * The host kernel's page in bytes; the guest's page plays no part (host fact R6.1.1). s390 asks for 1
   * MiB and is not modelled (host fact R6.1.5).
   */
  readonly hostPageSize: Size;
  /** The number of slots; before Linux 5.12 x86 had 509 and arm64 512 (host fact R6.1.3). */
  readonly slotLimit?: number | undefined;
  /**
   * KVM_CAP_READONLY_MEM: true on x86, arm64, riscv and loongarch (the default), false on powerpc and
   * s390 (host fact K4).
   */
  readonly supportsReadonly?: boolean | undefined;
  /** The last guest-physical address that the host's CPU can translate; by default 2^64 - 1. */
  readonly lastGpa?: Gpa | undefined;
  /**
   * The error for a slot above `lastGpa`: EINVAL on x86 (the default), EFAULT on arm64, ENOMEM on
   * loongarch (host fact K14).
   */
  readonly aboveLastGpa?: Errno | undefined;
}

/** The most pages of a slot (host fact K10). */
const PAGE_LIMIT = (1n << 31n) - 1n;

const rangeOf = (slot: Memslot) => ({ start: slot.gpa, end: slot.gpa + slot.size });

/**
 * The memory slots of a KVM virtual machine. Linux virt/kvm/kvm_main.c:__kvm_set_memory_region, host
 * fact 6.1. KVM does not look at the memory behind a host address (host facts R6.1.4 and D15). The second
 * address space of x86 is not modelled (host fact D17).
 */
export class KvmMemslots {
  readonly #hostPageSize: Size;
  readonly #slotLimit: number;
  readonly #supportsReadonly: boolean;
  readonly #lastGpa: bigint;
  readonly #aboveLastGpa: Errno;
  readonly #byNumber = new Map<number, Memslot>();
  readonly #byAddress = new DisjointRanges<Memslot>();

  constructor(options: KvmOptions) {
    this.#hostPageSize = options.hostPageSize;
    this.#slotLimit = options.slotLimit ?? DEFAULT_SLOT_LIMIT;
    this.#supportsReadonly = options.supportsReadonly ?? true;
    this.#lastGpa = options.lastGpa ?? LAST_ADDRESS;
    this.#aboveLastGpa = options.aboveLastGpa ?? Errno.EINVAL;
  }

  /**
   * KVM_SET_USER_MEMORY_REGION: creates a slot, moves it, changes its flags or, with size 0, deletes it
   * (host facts K3 to K14). Caller and flags are always valid (host facts K0 to K2).
   */
  set(request: Memslot): Errno {
    const { slot, gpa, size, hostAddress } = request;
    const page = this.#hostPageSize;
    // host facts K3 and K4
    if (slot < 0 || slot >= this.#slotLimit) return Errno.EINVAL;
    if (request.readonly && !this.#supportsReadonly) return Errno.EINVAL;
    // host facts K5, K6 and K7; the end of user space is not modelled (host fact D16).
    if (!isAligned(size | gpa | hostAddress, page)) return Errno.EINVAL;
    if (hostAddress + size > END_OF_SPACE) return Errno.EINVAL;
    // host fact K9: the end must fit, so the last page of the address space cannot be in a slot.
    if (gpa + size > LAST_ADDRESS) return Errno.EINVAL;
    // host fact K10
    if (size / page > PAGE_LIMIT) return Errno.EINVAL;
    // host fact K11
    const existing = this.#byNumber.get(slot);
    if (size === 0n) return existing ? this.#delete(existing) : Errno.EINVAL;
    // host fact K12: only the address and the dirty log of an existing slot may change.
    if (
      existing !== undefined &&
      (existing.hostAddress !== hostAddress ||
        existing.size !== size ||
        existing.readonly !== request.readonly)
    ) {
      return Errno.EINVAL;
    }
    // host facts K13 and K14: KVM has tested a slot that stays in place when it came there.
    if (existing?.gpa !== gpa) {
      const others = this.#byAddress.overlapping(gpa, gpa + size);
      if (others.some((other) => other.slot !== slot)) return Errno.EEXIST;
      if (gpa + size - 1n > this.#lastGpa) return this.#aboveLastGpa;
    }

    if (existing) this.#delete(existing);
    this.#byNumber.set(slot, request);
    this.#byAddress.insert(rangeOf(request), request);
    return 0;
  }

  /**
   * Deletes the slot with this number: KVM_SET_USER_MEMORY_REGION with size 0. To resize a slot the VMM
   * deletes and creates it (host fact R6.1.2).
   */
  delete(slot: number): Errno {
    const existing = this.#byNumber.get(slot);
    return existing ? this.#delete(existing) : Errno.EINVAL;
  }

  /** The slots by rising guest-physical address: a constant array, the same one until a slot changes. */
  slots(): readonly Memslot[] {
    return this.#byAddress.snapshot();
  }

  #delete(existing: Memslot): 0 {
    this.#byNumber.delete(existing.slot);
    this.#byAddress.remove(existing.gpa);
    return 0;
  }
}
