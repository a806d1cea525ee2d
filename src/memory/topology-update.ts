import type { AddressSpace } from './address-space.ts';
import type { FlatRange } from './flat-range.ts';
import { wholeChange, type FlatView, type FlatViewChange } from './flat-view.ts';
import type { MemoryListener } from './memory-listener.ts';
import { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';

/**
 * Notifies the listeners of `space` of the difference between two views, in two passes: removals, then
 * additions, each in ascending order of addresses (address_space_update_topology_pass, memory fact 3.3).
 *
 * @param changes the parts in which the two views may differ; elsewhere they hold the same ranges.
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
  // A listener with regionNop is notified of every unchanged range, so both views are walked in full.
  const parts: readonly FlatViewChange[] = listeners.some((listener) => listener.regionNop !== undefined)
    ? [wholeChange(before, after)]
    : changes;
  const removals = removalsFor(listeners);
  const additions = additionsFor(listeners);
  for (const pass of passes === 'removals-first' ? [removals, additions] : [additions, removals]) {
    for (const part of parts) walk(before, after, part, sameRange, pass);
  }
}

/** What one pass does with the ranges that it meets. */
interface Pass {
  removed?(range: FlatRange): void;
  unchanged?(range: FlatRange): void;
  added?(range: FlatRange): void;
}

/** Notifies of removals, the listener with the highest priority first (memory fact 3.2). */
const removalsFor = (listeners: readonly MemoryListener[]): Pass => ({
  removed(range) {
    for (let index = listeners.length - 1; index >= 0; index--) listeners[index]!.regionDel?.(range);
  },
});

/** Notifies of additions and unchanged ranges, the listener with the lowest priority first (memory fact 3.2). */
const additionsFor = (listeners: readonly MemoryListener[]): Pass => ({
  unchanged(range) {
    for (const listener of listeners) listener.regionNop?.(range);
  },
  added(range) {
    for (const listener of listeners) listener.regionAdd?.(range);
  },
});

/** Walks one part of both views together, in ascending order of addresses. */
function walk(
  { ranges: before }: FlatView,
  { ranges: after }: FlatView,
  { oldFrom, oldTo, newFrom, newTo }: FlatViewChange,
  sameRange: MemoryRules['sameRange'],
  pass: Pass,
): void {
  let oldIndex = oldFrom;
  let newIndex = newFrom;
  while (oldIndex < oldTo || newIndex < newTo) {
    const oldRange = oldIndex < oldTo ? before[oldIndex]! : undefined;
    const newRange = newIndex < newTo ? after[newIndex]! : undefined;
    if (oldRange !== undefined && newRange !== undefined && sameRange(oldRange, newRange)) {
      pass.unchanged?.(newRange);
      oldIndex++;
      newIndex++;
    } else if (oldRange !== undefined && (newRange === undefined || oldRange.start <= newRange.start)) {
      pass.removed?.(oldRange);
      oldIndex++;
    } else {
      pass.added?.(newRange!);
      newIndex++;
    }
  }
}
