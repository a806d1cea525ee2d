import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'access-dispatched', cause: 'refused' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['access-dispatched', 'memslot-complete'];

export default definePatch({
  name: 'qp-12',
  title: 'The mirror of the configuration space is larger than the configuration space',
  base: 'qemu-11.1',
  source: 'QEMU commit f5793fd9e1fd, 19 January 2016',
  device: (base) => ({ quirks: (context) => base.quirks({ ...context, configSize: 0x1000n }) }),
});
