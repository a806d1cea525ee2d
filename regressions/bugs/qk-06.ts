import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark = 'QEMU aborted when its 32 slots were used up. Here a section beyond gets no slot.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-complete', cause: 'bar-without-slot' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['memslot-complete', 'resources-bounded'];

export default definePatch({
  name: 'qk-06',
  title: 'At most 32 memslots, although KVM has more and each mmapped area of a BAR takes one',
  base: 'qemu-11.1',
  source: 'QEMU commit fb541ca59c8b, November 2013',
  memslots: { slotLimit: 32 },
});
