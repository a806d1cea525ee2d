/** Offsets and bits of the type 0 header (PCI 3.0 section 6.1) that the engine uses. */
export const PciRegister = {
  COMMAND: 0x04,
  STATUS: 0x06,
  BAR_0: 0x10,
  CAPABILITY_POINTER: 0x34,
} as const;

/** Bits of the COMMAND register. */
export const PciCommand = { IO: 0x1, MEMORY: 0x2, BUS_MASTER: 0x4, INTX_DISABLE: 0x400 } as const;

/** Number of base address registers in a type 0 header. */
export const BAR_COUNT = 6;

/** Offset of the register of BAR `index` (0 to 5). */
export const barRegister = (index: number): number => PciRegister.BAR_0 + 4 * index;
