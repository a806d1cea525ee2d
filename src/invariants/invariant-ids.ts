/** The ids of the invariants, in the order of reports. Ids are stable: file names, SARIF rules and folders use them. */
export const INVARIANT_IDS = [
  'map-aligned',
  'msix-trapped',
  'msix-direct-on-opt-out',
  'flat-partition',
  'flat-minimal',
  'ram-reachable',
  'map-matches-view',
  'map-unmap-symmetric',
  'incremental-equals-scratch',
  'mmio-map-not-fatal',
  'no-abort',
  'memslot-aligned-disjoint',
  'mmap-inside-bar',
  'msix-capability-consistent',
  'window-limit',
  'guest-page-reachable',
  'model-agrees',
] as const;
export type InvariantId = (typeof INVARIANT_IDS)[number];
