import type { HostAddress, Size } from '../address/index.ts';
import type { AddressSpace, MemoryRegion, MemoryTopology } from '../memory/index.ts';
import type { PciBus } from '../pci/index.ts';
import type { MachineRules } from '../vfio/index.ts';

/** Reserves `size` bytes of the VMM's address space, aligned to `alignment` bytes. */
export type Reserve = (size: Size, alignment: Size) => HostAddress;

/** What a machine is built from. */
export interface MachineOptions {
  readonly topology: MemoryTopology;
  /** Bytes of guest RAM. */
  readonly ram: Size;
  readonly hostPageSize: Size;
  readonly rules: MachineRules;
  readonly reserve: Reserve;
}

/** An emulated machine: its memory map and the bus that passed-through devices are plugged into. */
export interface Machine {
  /** The region that all system memory hangs from. */
  readonly system: MemoryRegion;
  /** What CPUs see, and what KVM's memslots follow. */
  readonly memory: AddressSpace;
  readonly bus: PciBus;
  /** Whether its guests set up MSI-X by other means than the table (pseries: by firmware calls). */
  readonly optsOutOfMsixEmulation: boolean;
  /** Brings the chip set's own registers to their values after reset. */
  reset(): void;
}

/** Host alignment of RAM blocks (QEMU_VMALLOC_ALIGN on x86 and Arm). */
export const RAM_ALIGNMENT: Size = 2n << 20n;

/** The page for which QEMU's emulated CPUs are built, on all of the machines (TARGET_PAGE_SIZE). */
export const TARGET_PAGE_SIZE: Size = 0x1000n;
