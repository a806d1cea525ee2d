import { END_OF_SPACE, offset, type Offset, type Size } from '../../src/address/index.ts';
import { FlatRange } from '../../src/memory/index.ts';
import { same, type Ranges } from './view.ts';

/** A range of addresses in which a view is updated. */
export interface Window {
  readonly start: bigint;
  readonly end: bigint;
}

const piece = (range: FlatRange, start: bigint, end: bigint): FlatRange | undefined => {
  const from = start > range.start ? start : range.start;
  const to = end < range.end ? end : range.end;
  const { region, offset: at } = range;
  if (from >= to) return undefined;
  const moved: Offset = offset(at + from - range.start);
  return new FlatRange(from, to, region, moved, range);
};
const pieces = (ranges: Ranges, start: bigint, end: Size): Ranges =>
  ranges.map((range) => piece(range, start, end)).filter((range) => range !== undefined);
const merged = (ranges: Ranges): Ranges => {
  const joined: FlatRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    const joins =
      last?.end === range.start &&
      same(
        last.endingAt(range.end),
        new FlatRange(last.start, range.end, range.region, offset(range.offset - last.size), range),
      ) &&
      !range.unmergeable;
    if (joins) joined[joined.length - 1] = last.endingAt(range.end);
    else joined.push(range);
  }
  return joined;
};

/** The smallest window that covers all ranges in which two views differ. */
export function difference(before: Ranges, after: Ranges): Window | undefined {
  const changed = [
    ...before.filter((old) => !after.some((range) => same(old, range))),
    ...after.filter((range) => !before.some((old) => same(old, range))),
  ];
  if (changed.length === 0) return undefined;
  const starts = changed.map(({ start }) => start);
  const ends = changed.map(({ end }) => end);
  return {
    start: starts.reduce((a, b) => (a < b ? a : b)),
    end: ends.reduce((a, b) => (a > b ? a : b)),
  };
}

/** The smallest window that covers all addresses at which two views differ. */
export function narrowDifference(before: Ranges, after: Ranges): Window | undefined {
  const edges = [...before, ...after]
    .flatMap(({ start, end }) => [start, end])
    .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const stretches = edges.slice(1).map((end, index) => ({ start: edges[index]!, end }));
  const differing = stretches.filter(({ start, end }) => {
    const [[old], [range]] = [pieces(before, start, end), pieces(after, start, end)];
    if (old === undefined || range === undefined) return old !== range;
    return !same(old, range);
  });
  const [first, last] = [differing[0], differing.at(-1)];
  return first && last && { start: first.start, end: last.end };
}

/** The old view with the new one inside a window. */
export const splice = (before: Ranges, after: Ranges, { start, end }: Window, join = merged): Ranges =>
  join([...pieces(before, 0n, start), ...pieces(after, start, end), ...pieces(before, end, END_OF_SPACE)]);
