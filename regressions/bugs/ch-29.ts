import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  "In the report the slot before is that of a virtio-pmem; here it is the one that was made last.";

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'memslot-aligned-disjoint', cause: 'number-in-use' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["memslot-aligned-disjoint", "memslot-complete", "no-abort"];

export default definePatch({
  name: 'ch-29',
  title: "The slot of persistent memory is not counted, so a BAR gets the same number",
  base: 'qemu-11.1',
  source: "cloud-hypervisor pull 136, 1 August 2019",
  memslots: { slotNumber: ({ region }, unused) => (region.isRamDevice && unused > 0 ? unused - 1 : unused) },
});
