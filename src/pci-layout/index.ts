/** PCI's layout without its rules: registers, capability ids, bits, and how large an MSI-X table and PBA are. */
export * from './bar-attributes.ts';
export * from './config-space.ts';
export * from './msix-layout.ts';
export * from './registers.ts';
