import { END_OF_SPACE, firstEndingAbove, type Address, type Range } from '../address/index.ts';
import { collectClaims, settleClaims } from './claim.ts';
import type { FlatRange } from './flat-range.ts';
import type { MemoryRegion } from './memory-region.ts';
import { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';

const WHOLE_SPACE: Range = { start: 0n, end: END_OF_SPACE };

/** A stretch of a view that an update replaced: indices into the old and the new list of ranges. */
export interface FlatViewChange {
  readonly oldFrom: number;
  readonly oldTo: number;
  readonly newFrom: number;
  readonly newTo: number;
}

/** A view and the stretches in which it may differ from the one it was made from. */
export interface FlatViewUpdate {
  readonly view: FlatView;
  readonly changes: readonly FlatViewChange[];
}

/** Everything may have changed. */
export const wholeChange = (before: FlatView, after: FlatView): FlatViewChange => ({
  oldFrom: 0,
  oldTo: before.ranges.length,
  newFrom: 0,
  newTo: after.ranges.length,
});

/** What a region tree looks like from its root: sorted, disjoint ranges (QEMU's `FlatView`). Never changes. */
export class FlatView {
  /** The effective root (memory fact 2.8), or nothing for the empty view. */
  readonly root: MemoryRegion | undefined;
  readonly ranges: readonly FlatRange[];

  private constructor(root: MemoryRegion | undefined, ranges: readonly FlatRange[]) {
    this.root = root;
    this.ranges = ranges;
  }

  /** The view in which nothing is mapped; address spaces without an effective root share it. */
  static readonly empty: FlatView = new FlatView(undefined, []);

  /** Renders the whole tree below `root` (generate_memory_topology, memory fact 2.2). */
  static render(root: MemoryRegion, { settle, mergeable }: MemoryRules = QEMU_MEMORY): FlatView {
    return new FlatView(root, settle(collectClaims(root, WHOLE_SPACE), mergeable));
  }

  /** The range that holds `address`, or nothing where no region answers. */
  at(address: Address): FlatRange | undefined {
    const range = this.ranges[firstEndingAbove(this.ranges, address)];
    return range !== undefined && range.start <= address ? range : undefined;
  }

  /**
   * The view after changes that can be seen only inside `windows`. Gives the same ranges as
   * rendering anew, at a cost that follows the windows and not the size of the machine.
   */
  rerender(windows: readonly Range[], rules: MemoryRules = QEMU_MEMORY): FlatViewUpdate {
    const root = this.root;
    if (root === undefined || windows.length === 0) return { view: this, changes: [] };
    if (rules.settle !== QEMU_MEMORY.settle) {
      // Another way to settle claims may depend on those outside the windows.
      const view = FlatView.render(root, rules);
      return { view, changes: [wholeChange(this, view)] };
    }
    const ranges: FlatRange[] = [];
    const changes: FlatViewChange[] = [];
    let kept = 0;
    for (const { from, to, start, end } of this.#widen(windows)) {
      for (let index = kept; index < from; index++) ranges.push(this.ranges[index]!);
      const newFrom = ranges.length;
      for (const range of settleClaims(collectClaims(root, { start, end }), rules.mergeable))
        ranges.push(range);
      changes.push({ oldFrom: from, oldTo: to, newFrom, newTo: ranges.length });
      kept = to;
    }
    for (let index = kept; index < this.ranges.length; index++) ranges.push(this.ranges[index]!);
    return { view: new FlatView(root, ranges), changes };
  }

  /**
   * The windows, sorted and joined, each widened to whole ranges of this view including those that
   * only touch it: a new range at the edge may merge with them.
   */
  #widen(windows: readonly Range[]): { from: number; to: number; start: bigint; end: bigint }[] {
    const sorted = windows.length === 1 ? windows : windows.toSorted((a, b) => (a.start < b.start ? -1 : 1));
    const widened: { from: number; to: number; start: bigint; end: bigint }[] = [];
    for (const window of sorted) {
      const from = firstEndingAbove(this.ranges, window.start - 1n);
      let to = from;
      while (to < this.ranges.length && this.ranges[to]!.start <= window.end) to++;
      const first = this.ranges[from];
      const last = this.ranges[to - 1];
      const start = to > from && first!.start < window.start ? first!.start : window.start;
      const end = to > from && last!.end > window.end ? last!.end : window.end;
      const previous = widened.at(-1);
      if (previous !== undefined && (from < previous.to || start <= previous.end)) {
        previous.to = Math.max(previous.to, to);
        if (end > previous.end) previous.end = end;
      } else {
        widened.push({ from, to, start, end });
      }
    }
    return widened;
  }
}
