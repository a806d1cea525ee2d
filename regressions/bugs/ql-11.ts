import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'ram-reachable', cause: 'unexplained' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['ram-reachable'];

export default definePatch({
  name: 'ql-11',
  title: 'What a tiny MSI-X table leaves of a page is not mapped, without a word',
  base: 'qemu-11.1',
  source: 'QEMU commit e4b34708388b, 27 October 2021',
  listener: { reportsSkip: (reason) => reason !== 'empty' },
});
