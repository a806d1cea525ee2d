import { bytes } from '../address/index.ts';
import { metricsOf } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';

/** How the guest and other devices reach device memory at the end of a run, in one line. */
export function deviceMemoryText(trace: Trace): string {
  const { directMappedBytes, trappedBytes, undecidedBytes, p2pMappedBytes } = metricsOf(trace);
  const undecided =
    undecidedBytes === 0n ? '' : `, ${bytes(undecidedBytes)} without a slot yet: the VMM died`;
  return `${bytes(directMappedBytes)} direct-mapped, ${bytes(trappedBytes)} trapped, ${bytes(p2pMappedBytes)} mapped for P2P DMA${undecided}`;
}
