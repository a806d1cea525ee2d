import { definePatch } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'map-unmap-symmetric', cause: 'left-after-teardown' } as const;

/** The invariants that it breaks. */
export const breaks = ['map-unmap-symmetric'];

export default definePatch({
  name: 'ql-07',
  title: 'A listener that is unregistered unmaps nothing',
  base: 'qemu-11.1',
  source: 'QEMU commits d25836cafd75 and 369686267a46, 22 January 2018',
  listener: { unmapsWhenUnregistered: false },
});
