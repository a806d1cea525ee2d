/** The layout of PCI without its rules: register offsets, bits, capability ids, and where an MSI-X table and PBA lie. */
export * from './bar-attributes.ts';
export * from './config-space.ts';
export * from './msix-layout.ts';
export * from './registers.ts';
export * from './rom-register.ts';
