import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'misaligned' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware', 'incremental-equals-scratch', 'msix-trapped', 'msix-capability-consistent', 'memslot-aligned-disjoint', 'map-unmap-symmetric', 'memslot-complete', 'no-abort'];

export default definePatch({
  name: 'ch-31',
  title: "BARs get addresses that are no multiples of their size",
  base: 'cloud-hypervisor-53.0',
  source: "cloud-hypervisor pull 3244, 15 October 2021; seL4_projects_libs issue 12, 25 November 2020",
  cloudHypervisor: { alignment: (_type, _size, hostPageSize) => hostPageSize },
});
