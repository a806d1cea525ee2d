import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'access-dispatched', cause: 'table-beyond-its-end' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['access-dispatched'];

export default definePatch({
  name: 'fc-03',
  title: 'An access that begins in the emulated area and ends behind it counts as inside',
  base: 'cloud-hypervisor-53.0',
  source: 'firecracker pull 6183, review of 8 September 2026',
  cloudHypervisor: { tableAnswers: ({ offset }, size) => offset < size },
});
