import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-unmap-symmetric', cause: 'overlapping-map' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-unmap-symmetric'];

export default definePatch({
  name: 'ch-18',
  title: 'Teardown maps where it should unmap',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor pull 1332, commit acc234088f8b, 14 June 2020',
  listener: { whenUnregistered: 'map' },
});
