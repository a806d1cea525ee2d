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

/** One KVM_SET_USER_MEMORY_REGION, and a slot that is in force. */
export interface Memslot {
  /** The slot's number, from 0. */
  readonly slot: number;
  readonly gpa: Gpa;
  /** In bytes; 0 deletes the slot. */
  readonly size: Size;
  readonly hostAddress: HostAddress;
  /** KVM_MEM_READONLY: a write by the guest exits. */
  readonly readonly: boolean;
  /** KVM_MEM_LOG_DIRTY_PAGES. */
  readonly logDirtyPages: boolean;
  readonly backing: Backing;
}

/** User slots of KVM on x86 since Linux 5.12: 32767 less three of its own (host fact K3). */
export const DEFAULT_SLOT_LIMIT = 32764;

export interface KvmOptions {
  /** The host kernel's page size in bytes, whatever the guest's (host fact R6.1.1). */
  readonly hostPageSize: Size;
  /** How many slots there are; before 5.12 x86 had 509 and arm64 512 (host fact R6.1.3). */
  readonly slotLimit?: number | undefined;
  /**
   * KVM_CAP_READONLY_MEM: true on x86, arm64, riscv and loongarch (the default), false on powerpc and
   * s390 (host fact K4).
   */
  readonly supportsReadonly?: boolean | undefined;
  /** The last guest-physical address that the host's CPU can translate; by default 2^64 - 1. */
  readonly lastGpa?: Gpa | undefined;
  /**
   * What a slot above `lastGpa` fails with: EINVAL on x86 (the default), EFAULT on arm64, ENOMEM on
   * loongarch (host fact K14).
   */
  readonly aboveLastGpa?: Errno | undefined;
}

/** A slot may have 2^31 - 1 pages (host fact K10). */
const PAGE_LIMIT = (1n << 31n) - 1n;

const rangeOf = (slot: Memslot) => ({ start: slot.gpa, end: slot.gpa + slot.size });

/**
 * The memory slots of one address space of a KVM virtual machine. Linux
 * virt/kvm/kvm_main.c:__kvm_set_memory_region, host fact 6.1; what backs a host address is not looked at
 * (host facts R6.1.4 and D15). x86 has a second address space, which is not modelled (host fact D17).
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
   * KVM_SET_USER_MEMORY_REGION: creates, moves, changes the flags of or, with size 0, deletes a slot
   * (host facts K3 to K14).
   */
  set(request: Memslot): Errno {
    const { slot, gpa, size, hostAddress } = request;
    const page = this.#hostPageSize;
    // host facts K3 and K4
    if (slot < 0 || slot >= this.#slotLimit) return Errno.EINVAL;
    if (request.readonly && !this.#supportsReadonly) return Errno.EINVAL;
    // host facts K5, K6 and K7; where user space ends is not modelled (host fact D16).
    if (!isAligned(size | gpa | hostAddress, page)) return Errno.EINVAL;
    if (hostAddress + size > END_OF_SPACE) return Errno.EINVAL;
    // host fact K9: the end must fit, so the last page of the address space cannot be in a slot.
    if (gpa + size > LAST_ADDRESS) return Errno.EINVAL;
    // host fact K10
    if (size / page > PAGE_LIMIT) return Errno.EINVAL;
    // host fact K11
    const existing = this.#byNumber.get(slot);
    if (size === 0n) return existing ? this.#delete(existing) : Errno.EINVAL;
    // host fact K12: a slot that exists may be moved or have its dirty log switched, nothing else.
    if (
      existing !== undefined &&
      (existing.hostAddress !== hostAddress ||
        existing.size !== size ||
        existing.readonly !== request.readonly)
    ) {
      return Errno.EINVAL;
    }
    // host facts K13 and K14: a slot that stays where it is was tested when it came there.
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

  /** Deletes the slot with this number: a call with size 0 and everything else 0. */
  delete(slot: number): Errno {
    const existing = this.#byNumber.get(slot);
    return existing ? this.#delete(existing) : Errno.EINVAL;
  }

  /** The slots by rising GPA: the same array until a slot changes. */
  slots(): readonly Memslot[] {
    return this.#byAddress.snapshot();
  }

  #delete(existing: Memslot): 0 {
    this.#byNumber.delete(existing.slot);
    this.#byAddress.remove(existing.gpa);
    return 0;
  }
}
