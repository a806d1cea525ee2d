import type { Size } from '../address/index.ts';

/** Offsets of registers in a type 0 header (PCI 3.0 section 6.1). */
export const PciRegister = {
  COMMAND: 0x04,
  STATUS: 0x06,
  BAR_0: 0x10,
  EXPANSION_ROM: 0x30,
  CAPABILITY_POINTER: 0x34,
} as const;

/** Bits of the COMMAND register (PCI 3.0 section 6.2.2). */
export const PciCommand = {
  IO: 0x1,
  MEMORY: 0x2,
  BUS_MASTER: 0x4,
  PARITY_ERROR_RESPONSE: 0x40,
  SERR: 0x100,
  INTX_DISABLE: 0x400,
} as const;

/** Bits of the STATUS register (PCI 3.0 section 6.2.3). */
export const PciStatus = { CAPABILITY_LIST: 0x10 } as const;

/** Number of base address registers in a type 0 header. */
export const BAR_COUNT = 6;

/** Offset of the register of BAR `index`, 0 to 5. */
export const barRegister = (index: number): number => PciRegister.BAR_0 + 4 * index;

/**
 * The number of the expansion ROM among the BARs: `PCI_ROM_SLOT` of QEMU, `VFIO_PCI_ROM_REGION_INDEX` of Linux.
 */
export const ROM_SLOT = 6;

/** Fields of the expansion ROM's register (PCI 3.0 section 6.2.5.2). */
export const RomRegister = { ENABLE: 0x1, ADDRESS: 0xffff_f800 } as const;

/** Bytes of the smallest and of the largest expansion ROM that the register can have (PCI 3.0 section 6.2.5.2). */
export const [SMALLEST_ROM, LARGEST_ROM]: readonly [Size, Size] = [0x800n, 0x100_0000n];

/** Offset of the register of a BAR, 0 to 5, or of the expansion ROM, 6 (QEMU's pci_bar). */
export const registerOf = (index: number): number =>
  index === ROM_SLOT ? PciRegister.EXPANSION_ROM : barRegister(index);
