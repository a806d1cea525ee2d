import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The half of 2024, event file descriptors, is not modelled.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'memslot-EEXIST' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort', 'memslot-aligned-disjoint', 'memslot-complete'];

export default definePatch({
  name: 'qm-06',
  title: 'A new listener gets the existing regions, but neither begin nor commit',
  base: 'qemu-11.1',
  source: 'QEMU commits 680a4783dc13, 2 November 2015, and 8d3031fa1bfc, 18 September 2024',
  memory: { registration: 'without-commit' },
});
