import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['incremental-equals-scratch'];

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
