import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  "In the report the limit is one of the tool that writes the configuration: a larger BAR gets no valid address.";

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'bar-as-hardware', cause: 'wrong-size' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['bar-as-hardware', 'msix-capability-consistent', 'no-abort'];

export default definePatch({
  name: 'ac-07',
  title: "Of a BAR above 1 GiB the guest sees 1 GiB",
  base: 'qemu-11.1',
  source: "ACRN pull 4587, issue 4586, 4 April 2020",
  device: { registeredSize: (size) => (size > 1n << 30n ? 1n << 30n : size) },
});
