import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'access-dispatched', cause: 'rom-unreadable' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['access-dispatched'];

export default definePatch({
  name: 'rom-09',
  title: 'The guest reads nothing of an expansion ROM that the host has not enabled',
  base: 'qemu-11.1',
  source: 'xapi, xen-api pull 6752, 11 November 2025',
  host: { rom: ({ size }) => ({ size, contents: 0n }) },
});
