/** QEMU's memory API: region trees, flat views, address spaces, transactions, listeners, and the text of `info mtree`. */
export { AddressSpace, effectiveRoot } from './address-space.ts';
export type { ChangedStretches } from './changed-stretches.ts';
export type { Claim } from './claim.ts';
export {
  FlatRange,
  canMerge,
  flatRangesEqual,
  type MemoryRegionSection,
  type RangeAttributes,
} from './flat-range.ts';
export { FlatView } from './flat-view.ts';
export { replayView } from './listener-registry.ts';
export { isLoggable } from './dirty-logging.ts';
export type { MemoryListener } from './memory-listener.ts';
export { MemoryRegion, type AliasTarget, type RegionKind, type RegionOptions } from './memory-region.ts';
export type { DiscardReason } from './discard-rules.ts';
export { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';
export { RamDiscardManager, type RamDiscardListener } from './ram-discard-manager.ts';
export { MemoryTopology } from './memory-topology.ts';
export { settleClaims } from './settle-claims.ts';
export * from './mtree/index.ts';
