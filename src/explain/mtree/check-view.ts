import { hex } from '../../address/index.ts';
import type { ViewRange } from '../../model/index.ts';
import type { NamedView } from './view-ranges.ts';

const shown = ({ start, end, name }: ViewRange): string => `${hex(start)}-${hex(end - 1n)} "${name}"`;

/**
 * What is wrong with a printed view: ranges must be sorted and disjoint (memory fact 2.1), and QEMU joins neighbours
 * of one region (memory fact 2.6).
 */
export function viewFaults({ ranges }: NamedView): readonly string[] {
  const faults: string[] = [];
  for (const [index, range] of ranges.entries()) {
    if (range.end <= range.start) faults.push(`${shown(range)} ends before it begins`);
    const next = ranges[index + 1];
    if (next === undefined) continue;
    if (next.start < range.end) faults.push(`${shown(range)} and ${shown(next)} overlap`);
    else if (next.type === range.type && continuesRegion(range, next))
      faults.push(
        `${shown(range)} and ${shown(next)} are parts of one region side by side, and QEMU would join them (unless the region is not mergeable, or has dirty logging in one part)`,
      );
  }
  return faults;
}

/** Whether `next` goes on, behind `range`, with the same region. */
const continuesRegion = (range: ViewRange, next: ViewRange): boolean =>
  next.start === range.end &&
  next.name === range.name &&
  next.offset === range.offset + (range.end - range.start);

/** The ranges that overlap the next one or are not sorted: with any of them, no VMM can have this view. */
export const overlappingPairs = ({
  ranges,
}: NamedView): readonly (readonly [range: ViewRange, next: ViewRange])[] =>
  ranges.flatMap((range, index) => {
    const next = ranges[index + 1];
    return next !== undefined && next.start < range.end ? [[range, next] as const] : [];
  });

/** How a printed view differs from the one that the tree renders to. */
export interface ViewDifference {
  readonly text: string;
  /** Whether the text of the tree cannot tell: a read-only alias of RAM prints as RAM. */
  readonly unknowable: boolean;
}

const MOST_DIFFERENCES = 20;

/** Compares the view of `info mtree -f` with the one that the tree of `info mtree` renders to. */
export function viewDifferences(flat: NamedView, tree: NamedView): readonly ViewDifference[] {
  const differences: ViewDifference[] = [];
  const key = ({ start, end, name, offset }: ViewRange): string => `${start} ${end} ${offset} ${name}`;
  const byKey = new Map(tree.ranges.map((range) => [key(range), range]));
  const merged = new Map(joinRom(flat.ranges).map((range) => [key(range), range]));
  for (const range of flat.ranges) {
    const other = byKey.get(key(range));
    if (other !== undefined) {
      byKey.delete(key(range));
      if (other.type !== range.type && !bothPlain(other.type, range.type))
        differences.push({
          text: `${shown(range)} is ${range.type} in the flat view and ${other.type} in the tree`,
          unknowable: other.type === 'ram' && range.type === 'rom',
        });
    } else if (range.type === 'rom') {
      differences.push({
        text: `${shown(range)} is rom in the flat view; the tree prints a read-only alias of RAM as ram`,
        unknowable: true,
      });
    } else if (!isPartOfJoined(range, tree.ranges)) {
      differences.push({ text: `only the flat view has ${shown(range)}`, unknowable: false });
    }
  }
  for (const [at, range] of byKey) {
    if (merged.has(at) || isPartOfJoined(range, [...merged.values()])) continue;
    differences.push({ text: `only the tree renders ${shown(range)}`, unknowable: false });
  }
  return differences.slice(0, MOST_DIFFERENCES);
}

/** `i/o` and `container` are one type in the releases before 11. */
const bothPlain = (a: string, b: string): boolean =>
  [a, b].every((type) => type === 'i/o' || type === 'container');

/** Ranges of one region side by side, joined whether they are ram or rom: so the tree must show them. */
function joinRom(ranges: readonly ViewRange[]): readonly ViewRange[] {
  const joined: ViewRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && continuesRegion(last, range))
      joined[joined.length - 1] = { ...last, end: range.end };
    else joined.push(range);
  }
  return joined;
}

const isPartOfJoined = (range: ViewRange, others: readonly ViewRange[]): boolean =>
  others.some(
    (other) =>
      other.name === range.name &&
      other.start <= range.start &&
      range.end <= other.end &&
      range.offset - other.offset === range.start - other.start,
  );
