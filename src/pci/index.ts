/** BAR decoding and sizing, and the MSI-X capability. */
export * from './bar.ts';
export * from './msix.ts';
export type { PciBus } from './pci-bus.ts';
export { PciFunction, type PciBar } from './pci-function.ts';
export * from './pci-rules.ts';
