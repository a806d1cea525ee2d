import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["incremental-equals-scratch"];

export default definePatch({
  name: 'ac-05',
  title: "A BAR that the guest moves in one step stays mapped where it was",
  base: 'qemu-11.1',
  source: "ACRN pull 3197, 30 May 2019",
  pci: { hasMoved: (before, after) => before !== after && (before === undefined || after === undefined) },
});
