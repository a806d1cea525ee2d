/** The addresses from `start` up to, but not including, `end`. Both may be 2^64; `start === end` is empty. */
export interface Range<A extends bigint = bigint> {
  readonly start: A;
  readonly end: bigint;
}

/** Whether the two ranges share at least one address; an empty range shares none. */
export const overlaps = (a: Range, b: Range): boolean =>
  a.start < b.end && b.start < a.end && a.start < a.end && b.start < b.end;

/** Whether every address of `inner` lies in `outer`. */
export const contains = (outer: Range, inner: Range): boolean =>
  outer.start <= inner.start && inner.end <= outer.end;

/** The addresses that both ranges have; `undefined` if they share none. */
export function intersection<A extends bigint>(a: Range<A>, b: Range<A>): Range<A> | undefined {
  const start = a.start > b.start ? a.start : b.start;
  const end = a.end < b.end ? a.end : b.end;
  return start < end ? { start, end } : undefined;
}

/** How many addresses the range has. */
export const lengthOf = (range: Range): bigint => range.end - range.start;

/**
 * The index of the first range that ends above `address`: the range that holds `address`, or else the
 * next higher range.
 *
 * @param ranges sorted and disjoint.
 * @returns `ranges.length` if every range ends at or below `address`.
 */
export function firstEndingAbove(ranges: readonly Range[], address: bigint): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.end > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

const byStart = (a: Range, b: Range): number => (a.start < b.start ? -1 : 1);

/** Whether no range begins below the one before it. */
function isSorted(ranges: readonly Range[]): boolean {
  for (let index = 1; index < ranges.length; index++) {
    if (ranges[index]!.start < ranges[index - 1]!.start) return false;
  }
  return true;
}

/**
 * The same addresses in as few ranges as possible: sorted, with a gap between any two.
 *
 * @param ranges not empty, in any order; they may overlap.
 */
export function joinRanges(ranges: readonly Range[]): readonly Range[] {
  if (ranges.length < 2) return ranges;
  const joined: Range[] = [];
  for (const { start, end } of isSorted(ranges) ? ranges : ranges.toSorted(byStart)) {
    const last = joined.at(-1);
    if (last === undefined || start > last.end) joined.push({ start, end });
    else if (end > last.end) joined[joined.length - 1] = { start: last.start, end };
  }
  return joined;
}

/**
 * The parts of a range that none of the other ranges has, in order of address.
 *
 * @param covered in any order; they may overlap and reach beyond the range.
 */
export function partsOutside({ start, end }: Range, covered: readonly Range[]): readonly Range[] {
  const parts: Range[] = [];
  let at = start;
  for (const cover of covered.toSorted(byStart)) {
    if (cover.end <= at || cover.start >= end) continue;
    if (cover.start > at) parts.push({ start: at, end: cover.start });
    at = cover.end;
  }
  if (at < end) parts.push({ start: at, end });
  return parts;
}
