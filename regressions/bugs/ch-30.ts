import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'resources-bounded', cause: 'slot-numbers-grow' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["resources-bounded"];

export default definePatch({
  name: 'ch-30',
  title: "The slot numbers of removed memory are never used again",
  base: 'qemu-11.1',
  source: "cloud-hypervisor pull 8357, 9 June 2026",
  memslots: { reuse: 'never' },
});
