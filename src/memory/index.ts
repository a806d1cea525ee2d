/** QEMU's memory API: region tree, flat view, address spaces, transactions, listeners, `info mtree`. */
export { settleClaims, type Claim } from './claim.ts';
export { AddressSpace, effectiveRoot } from './address-space.ts';
export { FlatRange, canMerge, flatRangesEqual, type MemoryRegionSection } from './flat-range.ts';
export { FlatView } from './flat-view.ts';
export type { MemoryListener } from './memory-listener.ts';
export { MemoryRegion, type AliasTarget, type RegionKind, type RegionOptions } from './memory-region.ts';
export { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';
export { MemoryTopology, replay } from './memory-topology.ts';
export * from './mtree/index.ts';
