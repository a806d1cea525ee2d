import { definePatch } from 'barproof';

/** Where the allocator of addresses for BARs begins. */
const ALLOCATED_FROM = 0x1000_0000n;

/** What there is to say about it. */
export const remark = "The register's half. The allocator that had freed the old range has no counterpart.";

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that it breaks. */
export const breaks = ['incremental-equals-scratch'];

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
