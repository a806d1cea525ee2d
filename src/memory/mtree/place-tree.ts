import { low64 } from '../../address/index.ts';
import type { MtreeRegion } from './mtree-region.ts';
import { TreePlacement, type TreeLine } from './tree-placement.ts';

/** How often each start of a hidden root is tried before the next start; if all fail, the next number counts. */
const ATTEMPTS = [1, 10, Number.POSITIVE_INFINITY];
/** After trying so many lines, the search assumes a text edited by hand, and goes by the indent alone. */
const MOST_LINES = 1_000_000;

/**
 * Finds the container of each line of one tree.
 *
 * If every region has a line, the indent alone decides. QEMU 5.1 and later omit the lines of disabled
 * regions, but neither the regions below these nor their overflow markers (memory facts 8.4 and 8.5). Then
 * a deeper line may be a child of the line above, or of a region without a line behind that. The order of
 * siblings and the markers sometimes exclude one of the two. Otherwise a region that shares no address
 * with the line above is taken for the child of a hidden region.
 *
 * A hidden region gets the lowest start that its place allows. A region without a marker lies above the
 * start of its real container, and so above this start too. Only regions that wrap around 2^64 can prove
 * such a choice wrong further down. Then the search takes back the latest choice that has an alternative.
 *
 * @param lines only the first can be at level 1.
 * @param markers how many overflow markers stand on the blank line behind the tree.
 * @param allShown whether every region has a line, so that the indent skips no level.
 */
export function placeTree(lines: readonly TreeLine[], markers: number, allShown: boolean): MtreeRegion {
  let knownStarts: ReadonlySet<bigint> | undefined;
  // The possible starts of a hidden region that wraps, or whose children wrap. It starts at or below a child
  // that does not wrap, above a child that wraps, and below its container if it wraps itself.
  const hiddenStarts = (): ReadonlySet<bigint> =>
    (knownStarts ??= new Set([...lines.flatMap(({ region: { start } }) => [start, low64(start + 1n)]), 0n]));
  // Children are sorted by their offset, so those that wrap come last (memory fact 8.6). A hidden root with such
  // children starts above these, and at or below its first child.
  const rootStarts = lines[0]?.level === 1 || allShown ? [0n] : new Set([0n, ...hiddenStarts()]);
  let attemptsLeft = Math.ceil(MOST_LINES / (lines.length + 1));
  for (const attempts of ATTEMPTS) {
    for (const rootStart of rootStarts) {
      const placement = search(Math.min(attempts, attemptsLeft), (choices) => {
        attemptsLeft--;
        return new TreePlacement(lines, { rootStart, hiddenStarts, choices, byIndent: allShown });
      });
      if (placement !== undefined) return placement.finish(markers);
    }
  }
  const placement = new TreePlacement(lines, { rootStart: 0n, hiddenStarts, choices: [], byIndent: true });
  placement.placeAll();
  return placement.finish(markers);
}

/** Tries one placement after the other until one succeeds; each changes the latest choice that has an alternative. */
function search(
  attempts: number,
  make: (choices: readonly number[]) => TreePlacement,
): TreePlacement | undefined {
  let choices: number[] = [];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const placement = make(choices);
    if (placement.placeAll()) return placement;
    const { alternatives } = placement;
    const taken = alternatives.map((_, index) => choices[index] ?? 0);
    const last = taken.findLastIndex((choice, index) => choice + 1 < alternatives[index]!);
    if (last === -1) return undefined;
    choices = taken.slice(0, last + 1);
    choices[last]!++;
  }
  return undefined;
}
