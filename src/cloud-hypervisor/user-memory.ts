import { gpa, hostAddress, offset } from '../address/index.ts';
import type { Errno, KvmMemslots, Memslot } from '../host/index.ts';
import type { MemoryRegion, MemoryTopology } from '../memory/index.ts';
import type { EventSink } from '../vfio/index.ts';
import type { CloudHypervisorRules } from './revision.ts';

/** Memory of the VMM that the guest accesses without an exit (UserMemoryRegion): RAM, or an area of a BAR. */
export interface UserMemoryRegion {
  /** The number of its KVM slot. */
  readonly slot: number;
  /** The guest-physical address. */
  start: bigint;
  readonly region: MemoryRegion;
}

/** Above the priority of the BARs: a BAR's io region shows where no slot is. */
const AREA_PRIORITY = 2;

/** What the slots and the memory map of a VM are made of. */
export interface UserMemoryOptions {
  readonly kvm: KvmMemslots;
  readonly topology: MemoryTopology;
  readonly system: MemoryRegion;
  readonly emit: EventSink;
  readonly rules: Pick<CloudHypervisorRules, 'slotNumber' | 'slotReuse'>;
}

/** KVM's memory slots, one for each whole region, and their regions in the guest's memory map. */
export class UserMemory {
  readonly #kvm: KvmMemslots;
  readonly #topology: MemoryTopology;
  readonly #system: MemoryRegion;
  readonly #emit: EventSink;
  readonly #free: number[] = [];
  readonly #rules: UserMemoryOptions['rules'];
  #next = 0;

  constructor({ kvm, topology, system, emit, rules }: UserMemoryOptions) {
    this.#kvm = kvm;
    this.#topology = topology;
    this.#system = system;
    this.#emit = emit;
    this.#rules = rules;
  }

  /** Takes a free slot number, the last freed first. */
  takeSlot(): number {
    const { slotNumber, slotReuse } = this.#rules;
    return slotNumber((slotReuse === 'last-freed' ? this.#free.pop() : undefined) ?? this.#next++);
  }

  /** Gives a slot number back. */
  freeSlot(slot: number): void {
    this.#free.push(slot);
  }

  /** Sets the region's slot and shows the region to the guest (create_user_memory_region). */
  create(memory: UserMemoryRegion): Errno {
    const { region, start } = memory;
    const errno = this.#set(memory, region.size);
    if (errno !== 0) return errno;
    const priority = region.isRamDevice ? AREA_PRIORITY : 0;
    this.#topology.addSubregion(this.#system, region, offset(start), priority);
    return 0;
  }

  /** Deletes the region's slot (remove_user_memory_region). KVM refuses if the slot does not exist. */
  remove(memory: UserMemoryRegion): Errno {
    this.conceal(memory);
    return this.#set(memory, 0n);
  }

  /** Takes the region out of the guest's memory map. The slot stays. */
  conceal({ region }: UserMemoryRegion): void {
    if (region.container !== undefined) this.#topology.removeSubregion(region);
  }

  #set({ slot: number, start, region }: UserMemoryRegion, size: bigint): Errno {
    const slot: Memslot = {
      slot: number,
      gpa: gpa(start),
      size,
      hostAddress: hostAddress(region.hostAddress ?? 0n),
      readonly: false,
      logDirtyPages: false,
      backing: { region: region.name, owner: region.owner, offset: offset(0n) },
    };
    const errno = this.#kvm.set(slot);
    this.#emit({ type: 'memslot', slot, errno });
    return errno;
  }
}
