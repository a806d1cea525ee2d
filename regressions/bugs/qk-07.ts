import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-needless-change', cause: 'slot-replaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["no-needless-change"];

export default definePatch({
  name: 'qk-07',
  title: "A read-only slot is deleted and made anew when only its dirty log changes",
  base: 'qemu-11.1',
  source: "QEMU commit 6c090d4a755b, October 2013",
  memslots: { deletesForFlags: ({ readonly }) => readonly },
});
