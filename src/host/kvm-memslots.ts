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
import { DEFAULT_KERNEL, type KernelRules } from './kernels/index.ts';
import { KVM_ARCHITECTURES, type KvmArchitecture, type KvmArchitectureRules } from './kvm-architectures.ts';

/** A KVM_SET_USER_MEMORY_REGION request, and the slot that it makes. */
export interface Memslot {
  /** The slot's number, from 0; bits 16 and up are the number of the address space (host fact D17). */
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
  /** Whether the memory is the mmap of a BAR (host fact D15). False by default. */
  readonly deviceMemory?: boolean | undefined;
}

/** The host's KVM. */
export interface KvmOptions {
  /**
   * The host kernel's page in bytes; the guest's page plays no part (host fact R6.1.1). s390 asks for 1
   * MiB and is not modelled (host fact R6.1.5).
   */
  readonly hostPageSize: Size;
  /** The host's architecture; x86 by default. */
  readonly architecture?: KvmArchitecture | undefined;
  /** The kernel; `DEFAULT_KERNEL` by default. */
  readonly kernel?: KernelRules | undefined;
  /** KVM_CAP_NR_MEMSLOTS, where it is known; by default what the kernel has on the architecture. */
  readonly slotLimit?: number | undefined;
  /** The number of address spaces, where it is known; by default what the architecture has (host fact D17). */
  readonly addressSpaces?: number | undefined;
  /** The last guest-physical address that the host's CPU can translate; by default 2^64 - 1. */
  readonly lastGpa?: Gpa | undefined;
  /** The first address behind user space (host fact D16); by default 2^63, behind which no host has user space. */
  readonly userSpaceEnd?: bigint | undefined;
}

/** The first address that is surely no user space (host fact D16). `userSpaceOf` tells where user space ends on a host. */
const KERNEL_SPACE = 1n << 63n;
/** In the number of a slot, the address space is above these bits. */
const SLOT_BITS = 16;

/** The most pages of a slot (host fact K10). */
const PAGE_LIMIT = (1n << 31n) - 1n;

const rangeOf = (slot: Memslot) => ({ start: slot.gpa, end: slot.gpa + slot.size });

/** The slots of one address space. */
class SlotTable {
  readonly byNumber = new Map<number, Memslot>();
  readonly byAddress = new DisjointRanges<Memslot>();
}

/**
 * The memory slots of a KVM virtual machine. Linux virt/kvm/kvm_main.c:__kvm_set_memory_region,
 * host fact 6.1. KVM does not look at the memory behind a host address, except on arm64 for the dirty log of a BAR
 * (host facts R6.1.4 and D15).
 */
export class KvmMemslots {
  readonly #hostPageSize: Size;
  readonly #slotLimit: number;
  readonly #lastGpa: bigint;
  readonly #userSpaceEnd: bigint;
  readonly #rules: KvmArchitectureRules;
  /** The slots of each address space of which there has been a slot, and of the first one. */
  readonly #tables = [new SlotTable()];

  constructor(options: KvmOptions) {
    const { hostPageSize, architecture = 'x86', kernel = DEFAULT_KERNEL, slotLimit, lastGpa } = options;
    this.#hostPageSize = hostPageSize;
    this.#slotLimit = slotLimit ?? kernel.kvm.slotLimit(architecture);
    const comparesWidth = architecture !== 'x86' || kernel.kvm.refusesSlotsAboveWidthOnX86;
    this.#lastGpa = (comparesWidth ? lastGpa : undefined) ?? LAST_ADDRESS;
    const rules = KVM_ARCHITECTURES[architecture];
    this.#rules = { ...rules, addressSpaces: options.addressSpaces ?? rules.addressSpaces };
    this.#userSpaceEnd = options.userSpaceEnd ?? KERNEL_SPACE;
  }

  /**
   * KVM_SET_USER_MEMORY_REGION: creates a slot, moves it, changes its flags or, with size 0, deletes it
   * (host facts K3 to K14). Caller and flags are always valid (host facts K0 to K2).
   */
  set(request: Memslot): Errno {
    const { slot, gpa, size, hostAddress } = request;
    const page = this.#hostPageSize;
    // host facts K3 and K4
    const index = slot & ((1 << SLOT_BITS) - 1);
    if (index >= this.#slotLimit) return Errno.EINVAL;
    if (request.readonly && !this.#rules.supportsReadonly) return Errno.EINVAL;
    // host facts K5, K6, K7 and D16
    if (!isAligned(size | gpa | hostAddress, page)) return Errno.EINVAL;
    if (hostAddress + size > this.#userSpaceEnd) return Errno.EINVAL;
    // host facts K8 and D17
    const table = this.#tableOf(slot);
    if (table === undefined) return Errno.EINVAL;
    // host fact K9: the end must fit, so the last page of the address space cannot be in a slot.
    if (gpa + size >= END_OF_SPACE) return Errno.EINVAL;
    // host fact K10
    if (size / page > PAGE_LIMIT) return Errno.EINVAL;
    // host fact K11
    const existing = table.byNumber.get(slot);
    if (size === 0n) return existing ? remove(table, existing) : Errno.EINVAL;
    // host fact K12: only the address and the dirty log of an existing slot may change.
    if (
      existing !== undefined &&
      (existing.hostAddress !== hostAddress ||
        existing.size !== size ||
        existing.readonly !== request.readonly)
    ) {
      return Errno.EINVAL;
    }
    // host facts K13 and K14. KVM tests new and moved slots alone; a slot that stays in place passes anyway.
    const others = table.byAddress.overlapping(gpa, gpa + size);
    if (others.some((other) => other.slot !== slot)) return Errno.EEXIST;
    if (gpa + size - 1n > this.#lastGpa) return this.#rules.aboveLastGpa;
    if (request.logDirtyPages && request.deviceMemory && !this.#rules.logsDeviceMemory) return Errno.EINVAL;

    if (existing) remove(table, existing);
    table.byNumber.set(slot, request);
    table.byAddress.insert(rangeOf(request), request);
    return 0;
  }

  /**
   * Deletes the slot with this number: KVM_SET_USER_MEMORY_REGION with size 0. To resize a slot the VMM
   * deletes and creates it (host fact R6.1.2).
   */
  delete(slot: number): Errno {
    const table = this.#tableOf(slot);
    const existing = table?.byNumber.get(slot);
    return table && existing ? remove(table, existing) : Errno.EINVAL;
  }

  /**
   * The slots of the first address space by rising guest-physical address: a constant array, the same one until
   * a slot changes.
   */
  slots(): readonly Memslot[] {
    return this.#tables[0]!.byAddress.snapshot();
  }

  #tableOf(slot: number): SlotTable | undefined {
    const space = slot >>> SLOT_BITS;
    return space < this.#rules.addressSpaces ? (this.#tables[space] ??= new SlotTable()) : undefined;
  }
}

function remove(table: SlotTable, existing: Memslot): 0 {
  table.byNumber.delete(existing.slot);
  table.byAddress.remove(existing.gpa);
  return 0;
}
