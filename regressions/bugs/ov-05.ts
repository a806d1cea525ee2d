import { VmmAbort, definePatch, type InvariantId } from 'barproof';

const PAGE = 0x1000n;

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'unaligned-range' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'ov-05',
  title: 'A BAR that is no multiple of a page fails an assertion of a range type made of pages',
  base: 'qemu-11.1',
  source: 'openvmm pulls 3336 and 3936, April and July 2026',
  device: (base) => ({
    mmapAlignment: (size, hostPageSize) => {
      if (size % PAGE !== 0n) throw new VmmAbort('unaligned-range', `${size} bytes are not whole pages`);
      return base.mmapAlignment(size, hostPageSize);
    },
  }),
});
