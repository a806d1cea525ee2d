import { LAST_ADDRESS, low64 } from '../../address/index.ts';
import { HIGHEST_PRIORITY, hiddenRegion } from './hidden-region.ts';
import type { MtreeRegion } from './mtree-region.ts';

/** A line of a tree whose container is not known yet. */
export interface TreeLine {
  /** Without children; the overflow is not known. */
  readonly region: MtreeRegion;
  /** From 1, the root's level, by the indent. */
  readonly level: number;
  /** How many overflow markers stand before the line. */
  readonly markers: number;
}

/** How a placement decides between several places for a line. */
export interface PlacementOptions {
  /** Where the root starts if it is hidden. */
  readonly rootStart: bigint;
  /** Whether the indent alone decides. */
  readonly byIndent: boolean;
  /** Where a hidden region that wraps may start. */
  readonly hiddenStarts: () => ReadonlySet<bigint>;
  /** Which alternative to take at the first choices; each later choice takes the likeliest, 0. */
  readonly choices: readonly number[];
}

/** A region on the path to the present line, and where its next child may lie. */
interface OpenRegion {
  readonly region: MtreeRegion;
  /** Offset of the last child so far; the next child does not lie below it (memory fact 8.6). */
  lastAddress: bigint;
  /** Priority of the last child so far; the next child at the same offset has no higher one. */
  lastPriority: number;
}

const open = (region: MtreeRegion): OpenRegion => ({
  region,
  lastAddress: 0n,
  lastPriority: HIGHEST_PRIORITY,
});

/** A place for a line: directly below an open region, or below hidden regions in that one. */
interface Fit {
  /** Index of the open region in the path. */
  readonly index: number;
  /** Where the hidden regions start, if there are any. */
  readonly hiddenStart: bigint;
  /** Whether the first hidden region wraps, which explains one of the markers. */
  readonly hiddenWraps: boolean;
  /** Whether the line's own region overflows, which explains one of the markers. */
  readonly overflow: boolean;
}

/** One attempt to find the container of each line of a tree. */
export class TreePlacement {
  /** How many alternatives there were at each choice so far. */
  readonly alternatives: number[] = [];
  readonly #lines: readonly TreeLine[];
  readonly #options: PlacementOptions;
  /** From the root to the region placed last. */
  readonly #path: OpenRegion[] = [];

  constructor(lines: readonly TreeLine[], options: PlacementOptions) {
    this.#lines = lines;
    this.#options = options;
  }

  /** Places the lines one after the other; returns whether each line has found a place. */
  placeAll(): boolean {
    return this.#lines.every((line) => this.#place(line));
  }

  /**
   * The root of the tree, after all lines are placed.
   *
   * @param markers how many overflow markers stand behind the last line.
   */
  finish(markers: number): MtreeRegion {
    this.#openRoot();
    // These markers belong to regions without a line, which may lie below the last line.
    if (!this.#options.byIndent && markers > 0) this.#addOverflows(markers);
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
    if (spare > 0 && !this.#options.byIndent) this.#addOverflows(spare);
    this.#add({ ...region, overflow: fit.overflow, children: [] });
    return true;
  }

  #choose<T>(candidates: readonly T[]): T {
    if (candidates.length === 1) return candidates[0]!;
    const choice = this.#options.choices[this.alternatives.length] ?? 0;
    this.alternatives.push(candidates.length);
    return candidates[choice]!;
  }

  /** The possible places of a line, the likeliest first. */
  #fits(region: MtreeRegion, level: number, markers: number): Fit[] {
    const direct = Math.min(level - 1, this.#path.length) - 1;
    if (this.#options.byIndent) return [this.#fitBelow(direct, this.#path[direct]!.region.start, region)];
    const fits: Fit[] = [];
    for (let index = direct; index >= 0; index--) {
      const { region: container, lastAddress, lastPriority } = this.#path[index]!;
      const isChild = index === level - 2;
      const address = low64(region.start - container.start);
      const inOrder =
        !isChild || address > lastAddress || (address === lastAddress && region.priority <= lastPriority);
      const starts = isChild ? [container.start] : [low64(container.start + lastAddress)];
      // A marker may belong to the hidden region between container and line: then that starts below its container.
      if (!isChild && markers > 0) {
        for (const start of this.#options.hiddenStarts()) {
          if (start < container.start && low64(start - container.start) >= lastAddress) starts.push(start);
        }
      }
      for (const start of starts) {
        const fit = this.#fitBelow(index, start, region);
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

  /**
   * The place of a line below the open region at `index`.
   *
   * @param hiddenStart where the hidden regions in between start; without these, where the open region starts.
   */
  #fitBelow(index: number, hiddenStart: bigint, region: MtreeRegion): Fit {
    const container = this.#path[index]!.region;
    return {
      index,
      hiddenStart,
      hiddenWraps: hiddenStart < container.start,
      overflow: region.start < hiddenStart || region.end < region.start,
    };
  }

  /** Whether `region` may lie in the open region at `index`, judged by their addresses. */
  #plausible(region: MtreeRegion, index: number, level: number): boolean {
    const { start, end, hidden } = this.#path[index]!.region;
    if (index !== level - 2 || hidden || end < start) return true;
    return region.start <= end && start <= region.end;
  }

  #add(region: MtreeRegion): void {
    const above = this.#path.at(-1)!;
    (above.region.children as MtreeRegion[]).push(region);
    above.lastAddress = low64(region.start - above.region.start);
    above.lastPriority = region.priority;
    this.#path.push(open(region));
  }

  /** Opens a hidden root if the first line is not the root's. */
  #openRoot(): void {
    if (this.#path.length === 0)
      this.#path.push(open(hiddenRegion(this.#options.rootStart, LAST_ADDRESS, 0, false)));
  }

  /** Opens a hidden region in the innermost open region; at the last child's offset it has that child's priority. */
  #openHidden(start: bigint): void {
    const above = this.#path.at(-1)!;
    const containerStart = above.region.start;
    const follows = low64(start - containerStart) === above.lastAddress;
    const priority = follows ? above.lastPriority : HIGHEST_PRIORITY;
    this.#add(hiddenRegion(start, LAST_ADDRESS, priority, start < containerStart));
  }

  /** Explains `count` markers without a line by hidden regions that overflow, in the innermost open region. */
  #addOverflows(count: number): void {
    const depth = this.#path.length;
    const { region, lastAddress } = this.#path.at(-1)!;
    this.#openHidden(low64(region.start + lastAddress));
    const holder = this.#path.at(-1)!.region;
    // A region of 2^64 bytes overflows at each start but 0.
    const start = low64(holder.start + 1n);
    for (let left = count - Number(holder.overflow); left > 0; left--) {
      this.#add(hiddenRegion(start, holder.start, HIGHEST_PRIORITY, true));
      this.#path.length = depth + 1;
    }
    this.#path.length = depth;
  }
}
