import { alignUp, definePatch } from 'barproof';

/** The invariants that it breaks. */
export const breaks = ['memslot-aligned-disjoint', 'no-abort', 'msix-trapped'];

export default definePatch({
  name: 'qk-01',
  title: 'Start and length of a memslot are rounded up independently of each other',
  base: 'qemu-11.1',
  source: 'QEMU commit 8f6f962b994e, 29 February 2012',
  memslots: {
    span: ({ start, size }, { host }) => ({ start: alignUp(start, host), size: alignUp(size, host) }),
  },
});
