import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark = 'As `qp-05`: seen where nobody needs the table to be emulated.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'msix-direct-on-opt-out', cause: 'table-trapped' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-direct-on-opt-out'];

export default definePatch({
  name: 'ch-13',
  title: 'The BAR with the MSI-X table is never mapped directly',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 3237, pulls 3273 and 3283, 25 October 2021',
  device: { honoursMsixMappable: false, fixUpAreas: () => [] },
});
