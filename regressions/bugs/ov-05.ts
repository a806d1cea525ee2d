import { VmmAbort, definePatch } from 'barproof';

const PAGE = 0x1000n;

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'no-abort', cause: 'unaligned-range' } as const;

/** The invariants that it breaks. */
export const breaks = ['no-abort'];

export default definePatch({
  name: 'ov-05',
  title: 'A BAR that is not made of pages trips a range type that is',
  base: 'qemu-11.1',
  source: 'openvmm pulls 3336 and 3936, April and July 2026',
  device: (base) => ({
    mmapAlignment: (size, hostPageSize) => {
      if (size % PAGE !== 0n) throw new VmmAbort('unaligned-range', `${size} bytes are not whole pages`);
      return base.mmapAlignment(size, hostPageSize);
    },
  }),
});
