import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-trapped', cause: 'direct-in-flat-view' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['msix-trapped', 'map-unmap-symmetric'];

export default definePatch({
  name: 'ac-09',
  title: "The MSI-X table is trapped where its BAR was first, also after the guest has moved the BAR",
  base: 'qemu-11.1',
  source: "ACRN pull 3881, issue 3475, 22 October 2019",
  device: { tableFollowsBar: false },
});
