/** Registers of a function's header (PCI 3.0 section 6.1), and bits in them. */
export const COMMAND = 4;
export const COMMAND_MEMORY = 2;
export const BAR_0 = 0x10;

/** Bits of the message control word of MSI-X (PCI 3.0 section 6.8.2.3). */
export const MSIX_ENABLE = 0x8000;
export const MSIX_FUNCTION_MASK = 0x4000;
