import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark = 'The half of 2024, event file descriptors, is not modelled.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'no-abort', cause: 'memslot-EEXIST' } as const;

/** The invariants that it breaks. */
export const breaks = ['no-abort', 'memslot-aligned-disjoint'];

export default definePatch({
  name: 'qm-06',
  title: 'A new listener hears of the regions there are, but not of begin and commit',
  base: 'qemu-11.1',
  source: 'QEMU commits 680a4783dc13, 2 November 2015, and 8d3031fa1bfc, 18 September 2024',
  memory: { registration: 'without-commit' },
});
