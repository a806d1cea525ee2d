import { definePatch, type MemoryRegion, type InvariantId } from 'barproof';

const LARGEST = (1n << 63n) - 1n;

/** Sizes stay below 2^63, and so must the addresses that they are added to. */
function liesInOverflow(region: MemoryRegion, start: bigint): boolean {
  let [base, at] = [start, region];
  while (at.container !== undefined) {
    base -= at.address;
    at = at.container;
    if (base > 0n && at.size >= LARGEST) return true;
  }
  return false;
}

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'flat-partition', cause: 'wrong-owner' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['flat-partition'];

export default definePatch({
  name: 'qm-01',
  title: 'The end of a huge region overflows, and what is in it disappears',
  base: 'qemu-11.1',
  source: 'QEMU commit d2963631dd54, 14 September 2011',
  memory: (base) => ({
    settle: (claims, mergeable) =>
      base.settle(
        claims.filter(({ region, base: start }) => !liesInOverflow(region, start)),
        mergeable,
      ),
  }),
});
