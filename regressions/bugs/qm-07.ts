import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The memory is that of an mmapped BAR that the MSI-X table splits, where the report has alias pages of RAM.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'access-dispatched', cause: 'memory-where-trapped' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['access-dispatched'];

export default definePatch({
  name: 'qm-07',
  title: 'An access that crosses into another section goes on in the region of its first byte',
  base: 'qemu-11.1',
  source: 'QEMU commit e4a511f8cc6f, 17 June 2015',
  access: { clampsToSection: () => false },
});
