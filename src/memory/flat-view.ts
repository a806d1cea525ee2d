import { END_OF_SPACE, type Address, type Range } from '../address/index.ts';
import { collectClaims } from './claim.ts';
import { isSameRange, type FlatRange } from './flat-range.ts';
import type { MemoryRegion } from './memory-region.ts';
import { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';
import { RangeList, type Place, type RangeEdit } from './range-list.ts';
import { settleClaims } from './settle-claims.ts';

const WHOLE_SPACE: Range = { start: 0n, end: END_OF_SPACE };

/** A part of a view that an update replaced: outside [start, end) the ranges are the same objects as before. */
export interface FlatViewChange extends Range {
  readonly before: readonly FlatRange[];
  readonly after: readonly FlatRange[];
}

/** A new view, and the parts in which it differs from the view before, by ascending address. */
export interface FlatViewUpdate {
  readonly view: FlatView;
  readonly changes: readonly FlatViewChange[];
}

/** The change in which any range of the two views may differ. */
export const wholeChange = (before: FlatView, after: FlatView): FlatViewChange => ({
  start: 0n,
  end: END_OF_SPACE,
  before: before.ranges,
  after: after.ranges,
});

/** A window of an update, widened to whole ranges of the view. */
interface Window {
  start: bigint;
  end: bigint;
  readonly from: Place;
  to: Place;
  /** The ranges of the view in it. */
  readonly before: FlatRange[];
}

const NO_CHANGES: readonly FlatViewChange[] = [];

/** A rendered region tree: sorted, disjoint ranges (QEMU's `FlatView`). A view never changes; updates make a new one. */
export class FlatView {
  /** The effective root (memory fact 2.8); `undefined` for the empty view. */
  readonly root: MemoryRegion | undefined;
  readonly #list: RangeList;

  private constructor(root: MemoryRegion | undefined, list: RangeList) {
    this.root = root;
    this.#list = list;
  }

  /** The view without ranges, which all address spaces without an effective root share. */
  static readonly empty: FlatView = new FlatView(undefined, RangeList.of([]));

  /** Renders `root` and all regions below it (generate_memory_topology, memory fact 2.2). */
  static render(root: MemoryRegion, { settle, mergeable }: MemoryRules = QEMU_MEMORY): FlatView {
    return new FlatView(root, RangeList.of(settle(collectClaims(root, WHOLE_SPACE), mergeable)));
  }

  /** All ranges: the same array at each call. A view of many hundred ranges makes the array at the first call. */
  get ranges(): readonly FlatRange[] {
    return this.#list.all;
  }

  /** The range that holds `address`; `undefined` if no region answers there. */
  at(address: Address): FlatRange | undefined {
    const range = this.#list.at(this.#list.placeOf(address));
    return range !== undefined && range.start <= address ? range : undefined;
  }

  /**
   * The view after changes of the region tree that are visible only inside `windows`. The ranges are those
   * of a new rendering, but the cost depends on the windows rather than on the size of the machine. A view
   * in which no range changed stays the same object.
   */
  rerender(windows: readonly Range[], rules: MemoryRules = QEMU_MEMORY): FlatViewUpdate {
    const root = this.root;
    if (root === undefined || windows.length === 0) return { view: this, changes: NO_CHANGES };
    if (rules.settle !== QEMU_MEMORY.settle) {
      // A patch may settle claims in a way that depends on claims outside the windows.
      const view = FlatView.render(root, rules);
      return { view, changes: [wholeChange(this, view)] };
    }
    // Listeners of a patch may hear of a range that QEMU takes for the same.
    const keepsSame = rules.sameRange === QEMU_MEMORY.sameRange;
    const changes: FlatViewChange[] = [];
    const edits: RangeEdit[] = [];
    for (const window of this.#widen(windows)) {
      const { from, to, before } = window;
      const after = settleClaims(collectClaims(root, window), rules.mergeable);
      if (
        keepsSame &&
        before.length === after.length &&
        before.every((range, at) => isSameRange(range, after[at]!))
      )
        continue;
      edits.push({ from, to, added: after });
      changes.push({ start: window.start, end: window.end, before, after });
    }
    return edits.length === 0
      ? { view: this, changes }
      : { view: new FlatView(root, this.#list.edit(edits)), changes };
  }

  /**
   * The windows, sorted and joined. Each is widened to whole ranges of this view, including ranges that
   * only touch the window: a new range at its edge may merge with them.
   */
  #widen(windows: readonly Range[]): readonly Window[] {
    const sorted = windows.length === 1 ? windows : windows.toSorted((a, b) => (a.start < b.start ? -1 : 1));
    const widened: Window[] = [];
    for (const window of sorted) {
      const previous = widened.at(-1);
      if (previous !== undefined && window.start <= previous.end) {
        // A range that begins at the very end may merge with a new one.
        if (window.end < previous.end) continue;
        previous.end = window.end;
        previous.to = this.#list.takeUpTo(window.end, previous.to, previous.before);
        const last = previous.before.at(-1);
        if (last !== undefined && last.end > previous.end) previous.end = last.end;
        continue;
      }
      const before: FlatRange[] = [];
      const from = this.#list.placeOf(window.start - 1n);
      const to = this.#list.takeUpTo(window.end, from, before);
      const first = before[0];
      const last = before.at(-1);
      const start = first !== undefined && first.start < window.start ? first.start : window.start;
      const end = last !== undefined && last.end > window.end ? last.end : window.end;
      widened.push({ from, to, start, end, before });
    }
    return widened;
  }
}
