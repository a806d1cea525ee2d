import type { Fingerprint } from './fingerprint.ts';

/** A cause about RAM: `ram-without-slot`, `dma-map-ram-EINVAL`. */
const RAM = /(?:^|-)ram(?:-|$)/;
/** Causes of `ram-reachable` that are about device memory, which P2P alone needs. */
const ABOUT_DEVICE_MEMORY: readonly string[] = ['unexplained', 'wrong-reason', 'left-out', 'partly-mapped'];

/**
 * What a cause is about, the gravest first: 0 for RAM, without which no guest runs, 2 for flash, which firmware alone
 * reads, and 1 for everything else. Where one fault shows several causes, the gravest names it.
 */
export function gravityOf({ invariant, cause }: Fingerprint): 0 | 1 | 2 {
  if (RAM.test(cause)) return 0;
  if (invariant === 'ram-reachable' && !ABOUT_DEVICE_MEMORY.includes(cause)) return 0;
  return cause.includes('flash') ? 2 : 1;
}
