import type { Range } from '../../address/index.ts';
import type { GuestMap } from './guest-map.ts';

/** A stretch of addresses in which nothing begins or ends, and its place in the picture. */
export interface Stretch extends Range {
  /** In pixels from the top of the map. */
  readonly top: number;
  readonly height: number;
  /** Whether no column shows anything there: the picture is broken. */
  readonly isGap: boolean;
}

const LEAST_HEIGHT = 26;
const GAP_HEIGHT = 22;
const MOST_HEIGHT = 78;
const HEIGHT_PER_DOUBLING = 4;

/**
 * The places of all addresses at which something begins or ends. Not to scale: a stretch of some bytes must be as
 * readable as one of some gigabytes, so heights grow with the logarithm of the size.
 */
export function scaleOf({ columns, marks }: GuestMap): readonly Stretch[] {
  const ranges: readonly Range[] = [...columns.flatMap(({ boxes }) => boxes), ...marks];
  const borders = [...new Set(ranges.flatMap(({ start, end }) => [start, end]))].toSorted((a, b) =>
    a < b ? -1 : a > b ? 1 : 0,
  );
  const smallest = borders.reduce<bigint | undefined>((least, border, index) => {
    const before = borders[index - 1];
    if (before === undefined) return least;
    return least === undefined || border - before < least ? border - before : least;
  }, undefined);
  const sorted = ranges.toSorted((a, b) => (a.start < b.start ? -1 : 1));
  let covered = -1n;
  let next = 0;
  let top = 0;
  return borders.slice(0, -1).map((start, index): Stretch => {
    const end = borders[index + 1]!;
    while (next < sorted.length && sorted[next]!.start <= start) {
      if (sorted[next]!.end > covered) covered = sorted[next]!.end;
      next++;
    }
    const isGap = covered <= start;
    const doublings = (end - start).toString(2).length - (smallest ?? 1n).toString(2).length;
    const height = isGap ? GAP_HEIGHT : Math.min(MOST_HEIGHT, LEAST_HEIGHT + HEIGHT_PER_DOUBLING * doublings);
    const stretch = { start, end, top, height, isGap };
    top += height;
    return stretch;
  });
}
