import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'ram-reachable', cause: 'not-mapped' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['ram-reachable', 'incremental-equals-scratch'];

export default definePatch({
  name: 'ch-24',
  title: 'RAM is mapped for the first container alone, not for the next one after all devices were removed',
  base: 'cloud-hypervisor-53.0',
  source: 'cloud-hypervisor pull 6891, 26 December 2024',
  cloudHypervisor: { mapsRam: (_start, _size, opened) => opened === 0 },
});
