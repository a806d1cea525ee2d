import { FlatRange, definePatch, offset, type MemoryRules, type InvariantId } from 'barproof';

const byStart = (a: FlatRange, b: FlatRange): number => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0);

function merged(ranges: readonly FlatRange[], mergeable: MemoryRules['mergeable']): FlatRange[] {
  const result: FlatRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last !== undefined && mergeable(last, range)) result[result.length - 1] = last.endingAt(range.end);
    else result.push(range);
  }
  return result;
}

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'flat-partition', cause: 'not-disjoint' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'flat-partition',
  'map-unmap-symmetric',
  'no-abort',
  'memslot-aligned-disjoint',
  'map-matches-view',
  'ram-reachable',
  'incremental-equals-scratch',
  'msix-trapped',
  'guest-page-reachable',
  'map-aligned',
];

export default definePatch({
  name: 'qm-02',
  title: 'A region of lower priority that begins inside another is rendered all the same',
  base: 'qemu-11.1',
  source: 'QEMU commit d26a8caea3f1, 29 October 2012',
  // A claim is cut only by earlier claims that begin at or behind its own start.
  memory: {
    settle: (claims, mergeable) => {
      const ranges: FlatRange[] = [];
      for (const { start, end, region, base, attributes } of claims) {
        let from = start;
        const put = (until: bigint): void => {
          if (until <= from) return;
          const at = offset(from - base);
          ranges.push(new FlatRange(from, until, region, at, attributes));
        };
        for (const taken of ranges.toSorted(byStart)) {
          if (taken.start >= end || taken.end <= from) continue;
          if (taken.start > from) put(taken.start);
          if (taken.start >= from) from = taken.end;
        }
        put(end);
      }
      return merged(ranges.toSorted(byStart), mergeable);
    },
  },
});
