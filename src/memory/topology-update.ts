import type { AddressSpace } from './address-space.ts';
import { wholeChange, type FlatView, type FlatViewChange } from './flat-view.ts';
import type { MemoryListener } from './memory-listener.ts';
import { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';

/**
 * Tells the listeners of `space` how `before` became `after`: two passes, removals and then
 * additions, each by rising address (address_space_update_topology_pass, memory fact 3.3).
 *
 * @param changes where the two views may differ; elsewhere they hold the same ranges.
 */
export function updateTopology(
  space: AddressSpace,
  before: FlatView,
  after: FlatView,
  changes: readonly FlatViewChange[],
  { sameRange, passes }: MemoryRules = QEMU_MEMORY,
): void {
  const { listeners } = space;
  if (listeners.length === 0) return;
  // A listener that wants to hear of what stays needs the whole of both views walked.
  const stretches: readonly FlatViewChange[] = listeners.some((listener) => listener.regionNop !== undefined)
    ? [wholeChange(before, after)]
    : changes;
  for (const removing of passes === 'removals-first' ? [true, false] : [false, true]) {
    for (const stretch of stretches) walk(before, after, stretch, listeners, removing, sameRange);
  }
}

/** One pass over a stretch of both views: it tells of removals, or of everything else. */
function walk(
  { ranges: before }: FlatView,
  { ranges: after }: FlatView,
  { oldFrom, oldTo, newFrom, newTo }: FlatViewChange,
  listeners: readonly MemoryListener[],
  removing: boolean,
  sameRange: MemoryRules['sameRange'],
): void {
  let oldIndex = oldFrom;
  let newIndex = newFrom;
  while (oldIndex < oldTo || newIndex < newTo) {
    const old = oldIndex < oldTo ? before[oldIndex]! : undefined;
    const fresh = newIndex < newTo ? after[newIndex]! : undefined;
    if (old !== undefined && fresh !== undefined && sameRange(old, fresh)) {
      // Lowest priority first, as for additions; removals go the other way.
      if (!removing) for (const listener of listeners) listener.regionNop?.(fresh);
      oldIndex++;
      newIndex++;
    } else if (old !== undefined && (fresh === undefined || old.start <= fresh.start)) {
      if (removing)
        for (let last = listeners.length - 1; last >= 0; last--) listeners[last]!.regionDel?.(old);
      oldIndex++;
    } else {
      if (!removing) for (const listener of listeners) listener.regionAdd?.(fresh!);
      newIndex++;
    }
  }
}
