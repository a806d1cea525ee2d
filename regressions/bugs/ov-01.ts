import { VmmAbort, definePatch } from 'barproof';

const OVERFLOW = 'attempt to subtract with overflow: a BAR of 0 bytes at 0';

/** What there is to say about it. */
export const remark =
  'The phantom BAR of no bytes is not there as such: what is kept is the subtraction that it leads to.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'no-abort', cause: 'subtract-overflow' } as const;

/** The invariants that it breaks. */
export const breaks = ['no-abort'];

export default definePatch({
  name: 'ov-01',
  title: 'A 64-bit BAR is parsed as two of 32 bits',
  base: 'qemu-11.1',
  source: 'openvmm pull 3319, 17 April 2026',
  pci: (base) => ({
    decodeBar: (type, register, size, addressZeroAllowed) => {
      // The upper half is a BAR of its own, of 0 bytes: it ends one before it begins.
      if (type === 'mem64' && register >> 32n === 0n) throw new VmmAbort('subtract-overflow', OVERFLOW);
      return base.decodeBar(type, register, size, addressZeroAllowed);
    },
  }),
});
