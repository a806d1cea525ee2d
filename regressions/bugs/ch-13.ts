import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark = 'As `qp-05`: the search sees it on machines that opt out of the emulated table.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-direct-on-opt-out', cause: 'table-trapped' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['msix-direct-on-opt-out', 'memslot-complete'];

export default definePatch({
  name: 'ch-13',
  title: 'The BAR with the MSI-X table is never mapped directly',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 3237, pulls 3273 and 3283, 25 October 2021',
  device: { honoursMsixMappable: false, fixUpAreas: () => [] },
});
