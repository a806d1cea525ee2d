import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark = 'As `qp-05`: the search sees it on machines that opt out of the emulated table.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-direct-on-opt-out', cause: 'table-trapped' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'msix-direct-on-opt-out',
  'guest-page-reachable',
  'memslot-complete',
];

export default definePatch({
  name: 'sv-02',
  title: 'The trapped region of a BAR hides its mmapped areas',
  base: 'qemu-11.1',
  source: 'StratoVirt commit 5696327973d0, 6 August 2021',
  // The mmapped areas are siblings of the trapped region, with a lower priority.
  device: { mmapParent: ({ base }) => base, mmapPriority: -1 },
});
