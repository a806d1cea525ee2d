import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'mmap-gone' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['memslot-aligned-disjoint'];

export default definePatch({
  name: 'qp-13',
  title: 'An unplug takes the mmaps of BARs back while the guest and running accesses still reach them',
  base: 'qemu-11.1',
  source: 'QEMU commit ba5e6bfa1aee, 10 February 2015',
  device: { unplugOrder: 'mmaps-first' },
});
