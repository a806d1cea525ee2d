import type { AddressSpace, MemoryRegion, MemoryTopology } from '../memory/index.ts';

/** Where the functions of a bus map their BARs, and what their DMA reaches (parts of QEMU's `PCIBus`). */
export interface PciBus {
  readonly topology: MemoryTopology;
  /** The region that QEMU adds memory BARs to; offsets in this region are bus addresses. */
  readonly memory: MemoryRegion;
  /** The region that QEMU adds I/O BARs to. */
  readonly io: MemoryRegion;
  /** What DMA of the functions reaches: VFIO maps the RAM of this address space. */
  readonly dmaSpace: AddressSpace;
  /** Whether the machine allows a BAR at address 0 (`pci_allow_0_address` of the machine class, pci fact 4.1). */
  readonly addressZeroAllowed: boolean;
}
