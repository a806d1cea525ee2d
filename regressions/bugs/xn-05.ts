import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['incremental-equals-scratch'];

export default definePatch({
  name: 'xn-05',
  title: 'BARs are mapped when COMMAND is written, so one that moves while memory is enabled stays where it was',
  base: 'qemu-11.1',
  source: 'qemu-xen (ioemu) commit dbb8aafa702b; the same in a review of openvmm pull 3248, 10 April 2026',
  pci: { hasMoved: (before, after) => (before === undefined) !== (after === undefined) },
});
