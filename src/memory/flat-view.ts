import { END_OF_SPACE, firstEndingAbove, type Address, type Range } from '../address/index.ts';
import { collectClaims } from './claim.ts';
import type { FlatRange } from './flat-range.ts';
import type { MemoryRegion } from './memory-region.ts';
import { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';
import { settleClaims } from './settle-claims.ts';

const WHOLE_SPACE: Range = { start: 0n, end: END_OF_SPACE };

/** A part of a view that an update replaced: indices into the old and the new list of ranges; `To` is one past the last. */
export interface FlatViewChange {
  readonly oldFrom: number;
  readonly oldTo: number;
  readonly newFrom: number;
  readonly newTo: number;
}

/** A new view, and the parts in which it may differ from the view before. */
export interface FlatViewUpdate {
  readonly view: FlatView;
  readonly changes: readonly FlatViewChange[];
}

/** The change in which any range of the two views may differ. */
export const wholeChange = (before: FlatView, after: FlatView): FlatViewChange => ({
  oldFrom: 0,
  oldTo: before.ranges.length,
  newFrom: 0,
  newTo: after.ranges.length,
});

/** A rendered region tree: sorted, disjoint ranges (QEMU's `FlatView`). A view never changes; updates make a new one. */
export class FlatView {
  /** The effective root (memory fact 2.8); `undefined` for the empty view. */
  readonly root: MemoryRegion | undefined;
  readonly ranges: readonly FlatRange[];

  private constructor(root: MemoryRegion | undefined, ranges: readonly FlatRange[]) {
    this.root = root;
    this.ranges = ranges;
  }

  /** The view without ranges, which all address spaces without an effective root share. */
  static readonly empty: FlatView = new FlatView(undefined, []);

  /** Renders `root` and all regions below it (generate_memory_topology, memory fact 2.2). */
  static render(root: MemoryRegion, { settle, mergeable }: MemoryRules = QEMU_MEMORY): FlatView {
    return new FlatView(root, settle(collectClaims(root, WHOLE_SPACE), mergeable));
  }

  /** The range that holds `address`; `undefined` if no region answers there. */
  at(address: Address): FlatRange | undefined {
    const range = this.ranges[firstEndingAbove(this.ranges, address)];
    return range !== undefined && range.start <= address ? range : undefined;
  }

  /**
   * The view after changes of the region tree that are visible only inside `windows`. The ranges are those
   * of a new rendering, but the cost depends on the windows rather than on the size of the machine.
   */
  rerender(windows: readonly Range[], rules: MemoryRules = QEMU_MEMORY): FlatViewUpdate {
    const root = this.root;
    if (root === undefined || windows.length === 0) return { view: this, changes: [] };
    if (rules.settle !== QEMU_MEMORY.settle) {
      // A patch may settle claims in a way that depends on claims outside the windows.
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
   * The windows, sorted and joined. Each is widened to whole ranges of this view, including ranges that
   * only touch the window: a new range at its edge may merge with them.
   *
   * @returns for each window its addresses, and the indices of the ranges in it: `to` is one past the last.
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
