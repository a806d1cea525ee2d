import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'On a guest that uses the table, trapping its page is a cost and no fault. The search sees the bug on machines that opt out of the emulated table.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-direct-on-opt-out', cause: 'table-trapped' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['msix-direct-on-opt-out'];

export default definePatch({
  name: 'qp-05',
  title: 'A BAR of 64K with its MSI-X table at a 4K boundary is trapped whole on a 64K host',
  base: 'qemu-11.1',
  source: 'QEMU before commit 89d5202edc50, 6 February 2018: neither MSIX_MAPPABLE nor relocation',
  device: { honoursMsixMappable: false, relocation: false },
});
