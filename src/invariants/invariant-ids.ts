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
  'memslot-complete',
  'mmap-inside-bar',
  'bar-as-hardware',
  'no-needless-change',
  'msix-capability-consistent',
  'access-dispatched',
  'window-limit',
  'resources-bounded',
  'guest-page-reachable',
  'model-agrees',
] as const;
export type KnownInvariantId = (typeof INVARIANT_IDS)[number];

/** The id of an invariant: one of barproof's, or that of an invariant that the user has written. */
export type InvariantId = KnownInvariantId | (string & {});

/** What an id of an invariant of the user looks like: it is also the name of a folder. */
export const INVARIANT_ID_FORM = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
