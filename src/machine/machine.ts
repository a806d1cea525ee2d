import type { HostAddress, Size } from '../address/index.ts';
import type { AddressSpace, MemoryRegion, MemoryTopology } from '../memory/index.ts';
import type { PciBus } from '../pci/index.ts';
import type { MachineRules } from '../vfio/index.ts';

/** Reserves `size` bytes of the VMM's own address space, aligned to `alignment` bytes, and returns the first address. */
export type Reserve = (size: Size, alignment: Size) => HostAddress;

/** What a machine's memory map depends on of its CPU. */
export interface MachineCpu {
  /** Whether the CPU has AMD's vendor id. */
  readonly isAmd: boolean;
  /** Bits of a physical address. */
  readonly physBits: number;
}

/** What a machine is built of. */
export interface MachineOptions {
  readonly topology: MemoryTopology;
  /** Bytes of guest RAM. */
  readonly ram: Size;
  /** In bytes: a power of two. */
  readonly hostPageSize: Size;
  /** The guest's CPU; by default a CPU that sets no limit. */
  readonly cpu?: MachineCpu | undefined;
  /** pc and q35: bytes of the 64-bit PCI hole; the machine's own size by default. */
  readonly pciHole64Size?: Size | undefined;
  /** virt: bytes of the PCI window above RAM, a power of two; 512 GiB by default. */
  readonly highmemMmioSize?: Size | undefined;
  /** What differs between releases of QEMU and proposals. */
  readonly rules: MachineRules;
  readonly reserve: Reserve;
}

/** An emulated machine: its memory map, and the bus for passed-through devices. */
export interface Machine {
  /** The root region of system memory. */
  readonly system: MemoryRegion;
  /** The address space of the CPUs, which KVM's memslots follow. */
  readonly memory: AddressSpace;
  readonly bus: PciBus;
  /** Whether guests set up MSI-X without the table: those of pseries make firmware calls. */
  readonly optsOutOfMsixEmulation: boolean;
  /** What QEMU prints when it does not start with this memory map; `undefined` where it does start. */
  readonly refusal?: string | undefined;
  /**
   * The guest makes a DMA window; left out on machines whose host bridge has none.
   *
   * @param pageSize in bytes: a power of two.
   * @param size in bytes: a power of two.
   */
  createDmaWindow?(pageSize: Size, size: Size): void;
  /** What a reset of the machine changes in its memory map; devices are reset by the caller. */
  reset(): void;
}

/** The names of the RAM blocks with the guest's RAM, over all machines. */
export const RAM_BLOCKS: ReadonlySet<string> = new Set(['pc.ram', 'mach-virt.ram', 'ppc_spapr.ram', 'ram']);

/** Alignment of RAM blocks in the VMM's address space, in bytes (QEMU_VMALLOC_ALIGN on x86 and Arm). */
export const RAM_ALIGNMENT: Size = 2n << 20n;

/** Page size, in bytes, that QEMU's memory core assumes on each of these machines (TARGET_PAGE_SIZE). */
export const TARGET_PAGE_SIZE: Size = 0x1000n;
