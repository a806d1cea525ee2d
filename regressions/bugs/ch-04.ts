import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The patch leaves old mappings in place. It does not leave out new ones, because rules keep no state.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-matches-view', cause: 'stale' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'map-matches-view',
  'ram-reachable',
  'guest-page-reachable',
  'map-unmap-symmetric',
  'incremental-equals-scratch',
  'no-abort',
  'msix-trapped',
  'resources-bounded',
];

export default definePatch({
  name: 'ch-04',
  title: 'A BAR that moves leaves its DMA mapping where it was',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 7027, commit 2f2182743083, 5 May 2025',
  listener: { unmaps: ({ region }) => !region.isRamDevice },
});
