import { gpa, hostAddress, offset } from '../address/index.ts';
import type { Errno, KvmMemslots, Memslot } from '../host/index.ts';
import type { MemoryRegion, MemoryTopology } from '../memory/index.ts';
import type { EventSink } from '../vfio/index.ts';

/** Memory of the VMM that the guest reaches without an exit (UserMemoryRegion): RAM, or an area of a BAR. */
export interface UserMemoryRegion {
  readonly slot: number;
  /** Where the guest is to see it. */
  start: bigint;
  readonly region: MemoryRegion;
}

/** Over the BARs, which answer only where no slot does. */
const AREA_PRIORITY = 2;

/** KVM's memory slots, one for every region and none for parts of one, and what the guest sees of them. */
export class UserMemory {
  readonly #kvm: KvmMemslots;
  readonly #topology: MemoryTopology;
  readonly #system: MemoryRegion;
  readonly #emit: EventSink;
  readonly #free: number[] = [];
  #next = 0;

  constructor(kvm: KvmMemslots, topology: MemoryTopology, system: MemoryRegion, emit: EventSink) {
    this.#kvm = kvm;
    this.#topology = topology;
    this.#system = system;
    this.#emit = emit;
  }

  takeSlot(): number {
    return this.#free.pop() ?? this.#next++;
  }

  freeSlot(slot: number): void {
    this.#free.push(slot);
  }

  /** Gives the region its slot where it is to be seen (create_user_memory_region). */
  create(memory: UserMemoryRegion): Errno {
    const { region, start } = memory;
    const errno = this.#set(memory, region.size);
    if (errno !== 0) return errno;
    const priority = region.isRamDevice ? AREA_PRIORITY : 0;
    this.#topology.addSubregion(this.#system, region, offset(start), priority);
    return 0;
  }

  /** Takes the region's slot away (remove_user_memory_region); KVM refuses when there is none. */
  remove(memory: UserMemoryRegion): Errno {
    this.conceal(memory);
    return this.#set(memory, 0n);
  }

  /** The region is gone from the VMM's own memory, whatever the slot says. */
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
