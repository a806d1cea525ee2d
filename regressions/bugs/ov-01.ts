import { VmmAbort, definePatch, type InvariantId } from 'barproof';

const OVERFLOW = 'attempt to subtract with overflow: a BAR of 0 bytes at 0';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  "The report's phantom BAR of 0 bytes does not exist in the model. The patch keeps the subtraction that the phantom BAR leads to.";

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'subtract-overflow' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'ov-01',
  title: 'A 64-bit BAR is parsed as two of 32 bits',
  base: 'qemu-11.1',
  source: 'openvmm pull 3319, 17 April 2026',
  pci: (base) => ({
    decodeBar: (type, register, size, addressZeroAllowed) => {
      // The upper half is parsed as a BAR of 0 bytes; its last address, start - 1, underflows at 0.
      if (type === 'mem64' && register >> 32n === 0n) throw new VmmAbort('subtract-overflow', OVERFLOW);
      return base.decodeBar(type, register, size, addressZeroAllowed);
    },
  }),
});
