import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'Reserved BIRs and offsets beyond the BAR are in the revisions `seed-v2+reserved-bir` and `seed-v2+table-beyond-bar`.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-trapped', cause: 'in-memslot' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['msix-trapped', 'msix-capability-consistent'];

export default definePatch({
  name: 'seed-07',
  title: 'The opt-out also disables the table on a machine whose guest needs the table',
  base: 'qemu-11.1',
  source: 'QEMU; seed thread, December 2017; fcad0d212197',
  device: { msixExposure: () => ({ kind: 'table-disabled' }) },
});
