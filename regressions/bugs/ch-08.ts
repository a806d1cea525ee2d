import { definePatch } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that it breaks. */
export const breaks = ['incremental-equals-scratch'];

export default definePatch({
  name: 'ch-08',
  title: 'A move that changes only the low half of an address goes unnoticed',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor commits c2ae3805032e, 8 January 2020, and 7c457378e502, 20 April 2021',
  pci: {
    hasMoved: (before, after) =>
      before === undefined || after === undefined ? before !== after : before >> 32n !== after >> 32n,
  },
});
