/** QEMU's PCI core: where BARs answer, what configuration writes and resets do, and the rules of MSI-X. */
export * from './bar.ts';
export * from './msix.ts';
export type { PciBus } from './pci-bus.ts';
export { PciFunction, type PciBar } from './pci-function.ts';
export * from './pci-rules.ts';
