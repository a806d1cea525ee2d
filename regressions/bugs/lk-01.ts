import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The kernel mapped the memslots of a VM for its assigned devices itself. Here the listener of the VMM does, and rules keep no state: what is removed for good stays mapped, too (CVE-2012-2121, the same fault without a move).';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-matches-view', cause: 'stale' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-unmap-symmetric', 'no-abort', 'map-matches-view', 'ram-reachable', 'incremental-equals-scratch', 'guest-page-reachable', 'resources-bounded'];

export default definePatch({
  name: 'lk-01',
  title: 'Memory that moves or leaves stays mapped for DMA at its old address',
  base: 'qemu-11.1',
  source: 'Linux commit e40f193f5bb0, January 2013, CVE-2013-4592',
  listener: { unmaps: ({ region }) => region.isRamDevice },
});
