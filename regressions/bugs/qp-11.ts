import { definePatch, type InvariantId } from 'barproof';

export { default as before } from './hosts/own-pba.ts';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'access-dispatched', cause: 'pba-polls-too-few-vectors' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['access-dispatched'];

export default definePatch({
  name: 'qp-11',
  title: 'A read of the PBA at an offset asks for the pending bits of too few vectors',
  base: 'qemu-11.1',
  source: 'QEMU commit 42e2a7a0ab23, 12 December 2024',
  access: {
    polledVectors: ({ offset, width }, vectors) => ({
      first: Math.min(Number(offset) * 8, vectors),
      end: Math.min(Number(offset) + width * 8, vectors),
    }),
  },
});
