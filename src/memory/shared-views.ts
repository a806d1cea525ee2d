import { END_OF_SPACE, type Range } from '../address/index.ts';
import type { AddressSpace } from './address-space.ts';
import { FlatView, type FlatViewChange } from './flat-view.ts';
import type { MemoryRegion } from './memory-region.ts';
import type { MemoryRules } from './memory-rules.ts';

/** The view of one effective root, and how the last update changed it. */
export interface SharedView {
  readonly view: FlatView;
  /** The view before the last update. */
  readonly before: FlatView;
  /** The parts in which `before` and `view` may differ. */
  readonly changes: readonly FlatViewChange[];
}

interface TrackedView {
  view: FlatView;
  before: FlatView;
  changes: readonly FlatViewChange[];
  /** The addresses at which the view may have changed since the last update. */
  windows: Range[];
}

const NO_CHANGES: readonly FlatViewChange[] = [];

/**
 * The flat views of a machine, one for each effective root. QEMU renders all of them again in each commit
 * (memory fact 2.9). Here each change of a region marks the addresses at which a view shows the region,
 * and an update renders only these again.
 */
export class SharedViews {
  readonly #views = new Map<MemoryRegion, TrackedView>();
  readonly #rules: MemoryRules;

  constructor(rules: MemoryRules) {
    this.#rules = rules;
  }

  /** Marks [start, end) of `region`, as offsets in it: each view may change where it shows these. */
  markChanged(region: MemoryRegion, start: bigint, end: bigint): void {
    // A scan for views would be wasted while a machine is built, before the first view exists.
    if (this.#views.size > 0) this.#mark(region, start, end);
  }

  /** Marks the whole view whose root is `region`, if there is one: that view begins at the address of its root. */
  markMoved(region: MemoryRegion): boolean {
    const view = this.#views.get(region);
    view?.windows.push({ start: 0n, end: END_OF_SPACE });
    return view !== undefined;
  }

  /** Renders each view again where it was marked. */
  update(): void {
    for (const tracked of this.#views.values()) {
      tracked.before = tracked.view;
      tracked.changes = NO_CHANGES;
      if (tracked.windows.length === 0) continue;
      const { view, changes } = tracked.view.rerender(tracked.windows, this.#rules);
      tracked.view = view;
      tracked.changes = changes;
      tracked.windows = [];
    }
  }

  /** The view of this effective root; the first call renders it. */
  of(root: MemoryRegion): SharedView {
    const known = this.#views.get(root);
    if (known !== undefined) return known;
    const view = FlatView.render(root, this.#rules);
    const tracked: TrackedView = { view, before: view, changes: NO_CHANGES, windows: [] };
    this.#views.set(root, tracked);
    return tracked;
  }

  /** Drops the views that none of `spaces` shows, so that later changes are not tracked for them. */
  keepOnly(spaces: readonly AddressSpace[]): void {
    for (const [root, { view }] of this.#views) {
      if (!spaces.some((space) => space.view === view)) this.#views.delete(root);
    }
  }

  /**
   * Follows the present containers and aliases of `region` up to each root that shows it. A change of a
   * container or an alias itself is marked separately.
   */
  #mark(region: MemoryRegion, start: bigint, end: bigint): void {
    const from = start > 0n ? start : 0n;
    const { container, address, aliasedBy } = region;
    const view = this.#views.get(region);
    if (container !== undefined || view !== undefined) {
      // Most containers begin at 0, and an addition makes a new `bigint`.
      const moved = address !== 0n;
      const [low, high] = [moved ? from + address : from, moved ? end + address : end];
      view?.windows.push({ start: low, end: high });
      if (container !== undefined) this.#mark(container, low, high);
    }
    for (const alias of aliasedBy) {
      const { offset: shift, end: stop } = alias.alias!;
      // The cut to the alias also ends the recursion if a container shows a part of itself inside itself.
      if (end > shift && from < stop) this.#mark(alias, from - shift, (end < stop ? end : stop) - shift);
    }
  }
}
