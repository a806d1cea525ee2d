import type { AddressSpace, MemoryRegion, MemoryTopology } from '../memory/index.ts';

/** What functions on a bus are mapped into (the parts of QEMU's `PCIBus` that placement needs). */
export interface PciBus {
  readonly topology: MemoryTopology;
  /** Where memory BARs are placed; offsets in it are bus addresses. */
  readonly memory: MemoryRegion;
  /** Where I/O BARs are placed. */
  readonly io: MemoryRegion;
  /** What the functions' own memory requests see: the space whose RAM VFIO maps for DMA. */
  readonly dmaSpace: AddressSpace;
  /** Whether a BAR may live at address 0 (`pci_allow_0_address` of the machine class, pci fact 4.1). */
  readonly addressZeroAllowed: boolean;
}
