import { definePatch, type MemoryRegion } from 'barproof';

const LARGEST = (1n << 63n) - 1n;

/** Sizes are kept below 2^63, and so must be what they are added to. */
function liesInOverflow(region: MemoryRegion, start: bigint): boolean {
  let [base, at] = [start, region];
  while (at.container !== undefined) {
    base -= at.address;
    at = at.container;
    if (base > 0n && at.size >= LARGEST) return true;
  }
  return false;
}

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'flat-partition', cause: 'wrong-owner' } as const;

/** The invariants that it breaks. */
export const breaks = ['flat-partition'];

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
