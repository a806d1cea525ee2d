import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  "The pages of the report become private, and so leave the memory that devices share. Here a virtio-mem gives blocks back; both are discarded without a word to VFIO.";

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-matches-view', cause: 'not-plugged' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-matches-view', 'incremental-equals-scratch', 'map-unmap-symmetric'];

export default definePatch({
  name: 'ql-13',
  title: "Memory that the guest gives back stays mapped for DMA",
  base: 'qemu-11.1',
  source: "QEMU commit 852f0048f3ea, 20 March 2024",
  memory: { notifiesDiscard: (why) => why !== 'unplug' },
});
