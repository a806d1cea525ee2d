import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark =
  'On a guest that uses the table, trapping the page is a price and no fault. What breaks is the promise to machines that do without it, and only that is seen.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'msix-direct-on-opt-out', cause: 'table-trapped' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-direct-on-opt-out'];

export default definePatch({
  name: 'qp-05',
  title: 'A BAR of 64K with its MSI-X table at a 4K boundary is trapped whole on a 64K host',
  base: 'qemu-11.1',
  source: 'QEMU before commit 89d5202edc50, 6 February 2018: neither MSIX_MAPPABLE nor relocation',
  device: { honoursMsixMappable: false, relocation: false },
});
