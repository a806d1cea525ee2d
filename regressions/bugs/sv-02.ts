import { definePatch } from 'barproof';

/** What there is to say about it. */
export const remark = 'As `qp-05`: seen where nobody needs the table to be emulated.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'msix-direct-on-opt-out', cause: 'table-trapped' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-direct-on-opt-out', 'guest-page-reachable'];

export default definePatch({
  name: 'sv-02',
  title: 'The plain region of a BAR hides what is mmapped of it',
  base: 'qemu-11.1',
  source: 'StratoVirt commit 5696327973d0, 6 August 2021',
  // Beside the plain region, and rendered after it.
  device: { mmapParent: ({ base }) => base, mmapPriority: -1 },
});
