import type { AddressSpace } from './address-space.ts';
import { flatRangesEqual, type FlatRange } from './flat-range.ts';
import type { FlatView, FlatViewChange } from './flat-view.ts';
import type { MemoryListener } from './memory-listener.ts';

/**
 * Tells the listeners of `space` how `before` became `after`: two passes, removals and then
 * additions, each by rising address (address_space_update_topology_pass, fact 3.3).
 *
 * @param changes where the two views may differ; elsewhere they hold the same ranges.
 */
export function updateTopology(
  space: AddressSpace,
  before: FlatView,
  after: FlatView,
  changes: readonly FlatViewChange[],
): void {
  const { listeners } = space;
  if (before === after || listeners.length === 0) return;
  // A listener that wants to hear of what stays needs the whole of both views walked.
  const stretches: readonly FlatViewChange[] = listeners.some((listener) => listener.regionNop !== undefined)
    ? [{ oldFrom: 0, oldTo: before.ranges.length, newFrom: 0, newTo: after.ranges.length }]
    : changes;
  for (const stretch of stretches) {
    walk(before, after, stretch, {
      removed: (range) => callReverse(listeners, (listener) => listener.regionDel?.(range)),
    });
  }
  for (const stretch of stretches) {
    walk(before, after, stretch, {
      kept: (range) => callForward(listeners, (listener) => listener.regionNop?.(range)),
      added: (range) => callForward(listeners, (listener) => listener.regionAdd?.(range)),
    });
  }
}

interface Pass {
  removed?(range: FlatRange): void;
  kept?(range: FlatRange): void;
  added?(range: FlatRange): void;
}

function walk(before: FlatView, after: FlatView, stretch: FlatViewChange, pass: Pass): void {
  let oldIndex = stretch.oldFrom;
  let newIndex = stretch.newFrom;
  while (oldIndex < stretch.oldTo || newIndex < stretch.newTo) {
    const old = oldIndex < stretch.oldTo ? before.ranges[oldIndex]! : undefined;
    const fresh = newIndex < stretch.newTo ? after.ranges[newIndex]! : undefined;
    if (old !== undefined && fresh !== undefined && flatRangesEqual(old, fresh)) {
      pass.kept?.(fresh);
      oldIndex++;
      newIndex++;
    } else if (old !== undefined && (fresh === undefined || old.start <= fresh.start)) {
      pass.removed?.(old);
      oldIndex++;
    } else {
      pass.added?.(fresh!);
      newIndex++;
    }
  }
}

/** Lowest priority first: additions and everything else. */
export function callForward(
  listeners: readonly MemoryListener[],
  call: (listener: MemoryListener) => void,
): void {
  for (const listener of listeners) call(listener);
}

/** Highest priority first: removals. */
export function callReverse(
  listeners: readonly MemoryListener[],
  call: (listener: MemoryListener) => void,
): void {
  for (let index = listeners.length - 1; index >= 0; index--) call(listeners[index]!);
}
