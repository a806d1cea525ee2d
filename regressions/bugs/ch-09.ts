import { definePatch, type InvariantId } from 'barproof';

/** The lowest address that the allocator of BARs gives out. */
const ALLOCATED_FROM = 0x1000_0000n;

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The half of the report about the register. The other half, an allocator that has freed the old range, has no counterpart in QEMU.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['incremental-equals-scratch'];

export default definePatch({
  name: 'ch-09',
  title: 'A move that is refused leaves the new address in the register',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor commits e38c5c434038, 13 April 2026, and e65cca3bf55e, 14 May 2026',
  pci: (base) => ({
    hasMoved: (before, after) =>
      base.hasMoved(before, after) &&
      !(before !== undefined && after !== undefined && after < ALLOCATED_FROM),
  }),
});
