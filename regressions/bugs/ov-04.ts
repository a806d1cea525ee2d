import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'owner-gone' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-matches-view', 'ram-reachable', 'memslot-aligned-disjoint', 'msix-trapped'];

export default definePatch({
  name: 'ov-04',
  title: "An unplugged device's BARs stay in the memory map",
  base: 'qemu-11.1',
  source: 'openvmm pull 3855, 8 July 2026',
  pci: { unmapsOnUnplug: false },
});
