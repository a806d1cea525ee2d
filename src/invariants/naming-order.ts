import type { Fingerprint } from './fingerprint.ts';

/** A cause about RAM: `ram-without-slot`, `dma-map-ram-EINVAL`. */
const RAM = /(?:^|-)ram(?:-|$)/;
/** Causes of `ram-reachable` that are about device memory, which P2P alone needs. */
const ABOUT_DEVICE_MEMORY: readonly string[] = ['unexplained', 'wrong-reason', 'left-out', 'partly-mapped'];

/**
 * In which order causes name a finding: 0 for a cause about RAM, without which no guest runs, 2 for one about flash,
 * which firmware alone reads, and 1 for every other cause. Where one fault shows several causes, the lowest number
 * names it.
 */
export function namingOrder({ invariant, cause }: Fingerprint): 0 | 1 | 2 {
  if (RAM.test(cause)) return 0;
  if (invariant === 'ram-reachable' && !ABOUT_DEVICE_MEMORY.includes(cause)) return 0;
  return cause.includes('flash') ? 2 : 1;
}
