import { LAST_ADDRESS, low64 } from '../../address/index.ts';
import type { MtreeRegion } from './mtree-region.ts';

/** The name of a region that the text does not show. */
export const HIDDEN_NAME = '(hidden)';

/** The highest priority a region can have. */
export const HIGHEST_PRIORITY = 0x7fffffff;

/** A region that is still being read, and where the next of its children may lie. */
interface OpenRegion {
  readonly region: MtreeRegion;
  /** The child read last, as an offset in the region; the next one is not below it (memory fact 8.6). */
  lastAddress: bigint;
  /** Of the child read last; the next one at the same address is not above it. */
  lastPriority: number;
}

const open = (region: MtreeRegion): OpenRegion => ({
  region,
  lastAddress: 0n,
  lastPriority: HIGHEST_PRIORITY,
});

const hiddenRegion = (start: bigint, end: bigint, priority: number, overflow: boolean): MtreeRegion => ({
  start,
  end,
  priority,
  type: 'i/o',
  nonvolatile: false,
  name: HIDDEN_NAME,
  disabled: true,
  overflow,
  hidden: true,
  children: [],
});

/** A place for a line: below an open region, or below hidden regions between the two. */
interface Fit {
  /** Index of the open region in the path. */
  readonly index: number;
  /** Where the hidden regions start, if there are any. */
  readonly hiddenStart: bigint;
  /** Whether the first hidden region wraps, so that one of the markers is its. */
  readonly hiddenWraps: boolean;
  /** Whether the line's own region overflows, so that one of the markers is its. */
  readonly overflow: boolean;
}

/** A line of a tree, before its place is known. */
export interface TreeLine {
  /** Without children, and not known to overflow. */
  readonly region: MtreeRegion;
  /** From 1, the root's, by the indent. */
  readonly level: number;
  /** How many overflow markers stand before it. */
  readonly markers: number;
}

/** How many times a tree is tried for each start of a hidden root, before all starts are tried more often. */
const ATTEMPTS = [1, 10, Number.POSITIVE_INFINITY];
/** After so many lines were tried, the text counts as edited by hand, and the indent alone is believed. */
const MOST_LINES = 1_000_000;

/**
 * Puts the lines of one tree where they belong.
 *
 * Where every region has a line, the indent says it all. QEMU 5.1 and later leave out the lines of
 * disabled regions, but neither what lies below them nor their overflow markers (memory facts 8.4, 8.5).
 * Then a deeper line may be a child of the line above or of a region without a line that follows
 * it. The order of siblings and the markers exclude one of the two at times; where they do not, a
 * region that shares no address with the line above is taken to be the child of a hidden one.
 *
 * A hidden region is given the lowest start its place allows: whatever is not marked lies above the
 * start of its real container, and so above this one. Only regions that wrap can make such a choice
 * turn out wrong further down; then the latest choice that leaves another way is taken back.
 *
 * @param lines only the first can be at level 1.
 * @param markers how many overflow markers stand on the blank line behind the tree.
 * @param allShown whether every region has a line; no level is then skipped.
 */
export function placeTree(lines: readonly TreeLine[], markers: number, allShown: boolean): MtreeRegion {
  // Where a hidden region may start that wraps, or whose children do: at what the lines leave free. It
  // is not above a region that does not wrap in it, above one that does, and below its own container.
  let known: ReadonlySet<bigint> | undefined;
  const bounds = (): ReadonlySet<bigint> =>
    (known ??= new Set([
      ...lines.flatMap(({ region: { start } }) => [start, low64(start + 1n), low64(start - 1n)]),
      0n,
    ]));
  // Children that wrap are the last ones (memory fact 8.6); a hidden root then begins between them and the
  // first.
  const rootStarts = lines[0]?.level === 1 || allShown ? [0n] : new Set([0n, ...bounds()]);
  let attemptsLeft = Math.ceil(MOST_LINES / (lines.length + 1));
  for (const attempts of ATTEMPTS) {
    for (const rootStart of rootStarts) {
      const placement = search(Math.min(attempts, attemptsLeft), (choices) => {
        attemptsLeft--;
        return new TreePlacement(lines, rootStart, allShown, bounds, choices);
      });
      if (placement !== undefined) return placement.finish(markers);
    }
  }
  const placement = new TreePlacement(lines, 0n, true, bounds, []);
  placement.placeAll();
  return placement.finish(markers);
}

/** Tries one way after the other, changing the latest choice first. */
function search(
  attempts: number,
  make: (choices: readonly number[]) => TreePlacement,
): TreePlacement | undefined {
  let choices: number[] = [];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const placement = make(choices);
    if (placement.placeAll()) return placement;
    const { arities } = placement;
    const taken = arities.map((_, index) => choices[index] ?? 0);
    const last = taken.findLastIndex((choice, index) => choice + 1 < arities[index]!);
    if (last === -1) return undefined;
    choices = taken.slice(0, last + 1);
    choices[last]!++;
  }
  return undefined;
}

class TreePlacement {
  /** How many ways there were at every choice so far. */
  readonly arities: number[] = [];
  readonly #lines: readonly TreeLine[];
  readonly #rootStart: bigint;
  readonly #byIndent: boolean;
  readonly #bounds: () => ReadonlySet<bigint>;
  readonly #choices: readonly number[];
  /** From the root to the region placed last. */
  readonly #path: OpenRegion[] = [];

  /**
   * @param rootStart where the root starts if it is hidden.
   * @param byIndent whether to believe nothing but the indent.
   * @param bounds where hidden regions may start that wrap.
   * @param choices which way to take at the first choices; the best way at all others.
   */
  constructor(
    lines: readonly TreeLine[],
    rootStart: bigint,
    byIndent: boolean,
    bounds: () => ReadonlySet<bigint>,
    choices: readonly number[],
  ) {
    this.#lines = lines;
    this.#rootStart = rootStart;
    this.#byIndent = byIndent;
    this.#bounds = bounds;
    this.#choices = choices;
  }

  /** Returns whether every line has found a place. */
  placeAll(): boolean {
    return this.#lines.every((line) => this.#place(line));
  }

  finish(markers: number): MtreeRegion {
    this.#openRoot();
    // What overflows behind the last line has no line itself; it may lie below the last one.
    if (!this.#byIndent && markers > 0) this.#addOverflows(markers);
    return this.#path[0]!.region;
  }

  #place({ region, level, markers }: TreeLine): boolean {
    if (level === 1) {
      this.#path.push(open({ ...region, overflow: region.end < region.start, children: [] }));
      return true;
    }
    this.#openRoot();
    const fits = this.#fits(region, level, markers);
    if (fits.length === 0) return false;
    const fit = this.#choose(fits);
    this.#path.length = fit.index + 1;
    while (this.#path.length < level - 1) this.#openHidden(fit.hiddenStart);
    const spare = markers - Number(fit.hiddenWraps) - Number(fit.overflow);
    if (spare > 0 && !this.#byIndent) this.#addOverflows(spare);
    this.#add({ ...region, overflow: fit.overflow, children: [] });
    return true;
  }

  #choose<T>(ways: readonly T[]): T {
    if (ways.length === 1) return ways[0]!;
    const choice = this.#choices[this.arities.length] ?? 0;
    this.arities.push(ways.length);
    return ways[choice]!;
  }

  /** The places of a line, the likeliest first. */
  #fits(region: MtreeRegion, level: number, markers: number): Fit[] {
    const direct = Math.min(level - 1, this.#path.length) - 1;
    if (this.#byIndent) return [this.#fitBelow(direct, this.#path[direct]!.region.start, region, level)];
    const fits: Fit[] = [];
    for (let index = direct; index >= 0; index--) {
      const { region: container, lastAddress, lastPriority } = this.#path[index]!;
      const isChild = index === level - 2;
      const address = low64(region.start - container.start);
      const inOrder =
        !isChild || address > lastAddress || (address === lastAddress && region.priority <= lastPriority);
      const starts = isChild ? [container.start] : [low64(container.start + lastAddress)];
      // What wraps may do so because a hidden region above it does; that one starts where some line
      // allows it just so.
      if (!isChild && markers > 0) {
        for (const start of this.#bounds()) {
          if (start < container.start && low64(start - container.start) >= lastAddress) starts.push(start);
        }
      }
      for (const start of starts) {
        const fit = this.#fitBelow(index, start, region, level);
        const explained = Number(fit.hiddenWraps) + Number(fit.overflow) <= markers;
        if (explained && inOrder) fits.push(fit);
      }
    }
    const [first, second] = fits;
    if (second !== undefined && first!.index === direct && !this.#plausible(region, direct, level)) {
      fits.splice(0, 2, second, first!);
    }
    return fits;
  }

  #fitBelow(index: number, hiddenStart: bigint, region: MtreeRegion, level: number): Fit {
    const container = this.#path[index]!.region;
    const start = index === level - 2 ? container.start : hiddenStart;
    return {
      index,
      hiddenStart,
      hiddenWraps: start < container.start,
      overflow: region.start < start || region.end < region.start,
    };
  }

  /** Whether the open region at `index` is likely to be the container, as far as the addresses tell. */
  #plausible(region: MtreeRegion, index: number, level: number): boolean {
    const { start, end, hidden } = this.#path[index]!.region;
    // Nothing hidden stands beside the root.
    if (index === 0 || index !== level - 2 || hidden || end < start) return true;
    return region.start <= end && start <= region.end;
  }

  #add(region: MtreeRegion): void {
    const above = this.#path.at(-1)!;
    (above.region.children as MtreeRegion[]).push(region);
    above.lastAddress = low64(region.start - above.region.start);
    above.lastPriority = region.priority;
    this.#path.push(open(region));
  }

  /** Opens the root if it has no line of its own. */
  #openRoot(): void {
    if (this.#path.length === 0) this.#path.push(open(hiddenRegion(this.#rootStart, LAST_ADDRESS, 0, false)));
  }

  /** Opens a region without a line right behind what was read last, or further up where it starts there. */
  #openHidden(start: bigint): void {
    const above = this.#path.at(-1)!;
    const containerStart = above.region.start;
    const follows = low64(start - containerStart) === above.lastAddress;
    const priority = follows ? above.lastPriority : HIGHEST_PRIORITY;
    this.#add(hiddenRegion(start, LAST_ADDRESS, priority, start < containerStart));
  }

  /** Explains markers that belong to no line: hidden regions that overflow, below what is open. */
  #addOverflows(count: number): void {
    const depth = this.#path.length;
    const { region, lastAddress } = this.#path.at(-1)!;
    this.#openHidden(low64(region.start + lastAddress));
    const holder = this.#path.at(-1)!.region;
    // A region of 2^64 bytes overflows anywhere but at 0.
    const start = low64(holder.start + 1n);
    for (let left = count - Number(holder.overflow); left > 0; left--) {
      this.#add(hiddenRegion(start, holder.start, HIGHEST_PRIORITY, true));
      this.#path.length = depth + 1;
    }
    this.#path.length = depth;
  }
}
