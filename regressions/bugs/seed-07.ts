import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark =
  'The part about reserved BIRs and offsets beyond the BAR is in the revisions `seed-v2+reserved-bir` and `seed-v2+table-beyond-bar`.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'msix-trapped', cause: 'in-memslot' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-trapped', 'msix-capability-consistent'];

export default definePatch({
  name: 'seed-07',
  title: 'A machine that needs the table inherits the switch that disables it',
  base: 'qemu-11.1',
  source: 'QEMU; seed thread, December 2017; fcad0d212197',
  device: { msixExposure: () => ({ kind: 'table-disabled' }) },
});
