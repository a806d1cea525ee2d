import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark = 'Old mappings stay; that new ones are not made is left out, for rules keep no state.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'map-matches-view', cause: 'stale' } as const;

/** The invariants that it breaks. */
export const breaks = [
  'map-matches-view',
  'ram-reachable',
  'guest-page-reachable',
  'map-unmap-symmetric',
  'incremental-equals-scratch',
  'no-abort',
  'msix-trapped',
];

export default definePatch({
  name: 'ch-04',
  title: 'A BAR that moves leaves its DMA mapping where it was',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 7027, commit 2f2182743083, 5 May 2025',
  listener: { unmaps: ({ region }) => !region.isRamDevice },
});
