import { alignUp, definePatch, type InvariantId } from 'barproof';

const END_OF_SPACE = 1n << 64n;

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'not-backed' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'memslot-aligned-disjoint',
  'no-abort',
  'msix-trapped',
  'access-dispatched',
];

export default definePatch({
  name: 'qk-01',
  title: 'Start and length of a memslot are rounded up independently of each other',
  base: 'qemu-11.1',
  source: 'QEMU commit 8f6f962b994e, 29 February 2012',
  memslots: {
    span: (section, { host }) => {
      const start = alignUp(section.start, host);
      return start + host > END_OF_SPACE ? undefined : { start, size: alignUp(section.size, host) };
    },
  },
});
