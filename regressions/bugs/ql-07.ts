import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-unmap-symmetric', cause: 'left-after-teardown' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-unmap-symmetric'];

export default definePatch({
  name: 'ql-07',
  title: 'A listener that is unregistered unmaps nothing',
  base: 'qemu-11.1',
  source: 'QEMU commits d25836cafd75 and 369686267a46, 22 January 2018',
  listener: { whenUnregistered: 'nothing' },
});
