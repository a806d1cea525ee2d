import { definePatch, type MemoryRegion, type InvariantId } from 'barproof';

const LARGEST = (1n << 63n) - 1n;

/** Whether an address plus the size of a container overflows 63 bits: the container is huge and begins above 0. */
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
  title: 'The end of a huge region overflows, and the regions in it disappear',
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
