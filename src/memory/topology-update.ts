import type { AddressSpace } from './address-space.ts';
import type { FlatRange } from './flat-range.ts';
import { wholeChange, type FlatView, type FlatViewChange } from './flat-view.ts';
import type { MemoryListener } from './memory-listener.ts';
import { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';

/**
 * Notifies the listeners of a space of the difference between two views, in two passes: removals, then
 * additions, each in ascending order of addresses (address_space_update_topology_pass, memory fact 3.3).
 *
 * @param changes the parts in which the two views may differ; elsewhere they hold the same ranges.
 */
export function updateTopology(
  { listeners }: Pick<AddressSpace, 'listeners'>,
  before: FlatView,
  after: FlatView,
  changes: readonly FlatViewChange[],
  { sameRange, passes }: MemoryRules = QEMU_MEMORY,
): void {
  if (listeners.length === 0) return;
  // A listener with regionNop is notified of every unchanged range, so both views are walked in full.
  const parts: readonly FlatViewChange[] = listeners.some((listener) => listener.regionNop !== undefined)
    ? [wholeChange(before, after)]
    : changes;
  for (const pass of passes === 'removals-first' ? REMOVALS_FIRST : ADDITIONS_FIRST) {
    for (const part of parts) walk(part, sameRange, pass, listeners);
  }
}

/** What one pass does with the ranges that it meets. */
interface Pass {
  removed(listeners: readonly MemoryListener[], range: FlatRange): void;
  unchanged(listeners: readonly MemoryListener[], range: FlatRange): void;
  added(listeners: readonly MemoryListener[], range: FlatRange): void;
}

const ignore = (): void => undefined;

/** Notifies of removals, the listener with the highest priority first (memory fact 3.2). */
const REMOVALS: Pass = {
  removed(listeners, range) {
    for (let index = listeners.length - 1; index >= 0; index--) listeners[index]!.regionDel?.(range);
  },
  unchanged: ignore,
  added: ignore,
};

/** Notifies of additions and unchanged ranges, the listener with the lowest priority first (memory fact 3.2). */
const ADDITIONS: Pass = {
  removed: ignore,
  unchanged(listeners, range) {
    for (const listener of listeners) listener.regionNop?.(range);
  },
  added(listeners, range) {
    for (const listener of listeners) listener.regionAdd?.(range);
  },
};

const REMOVALS_FIRST = [REMOVALS, ADDITIONS] as const;
const ADDITIONS_FIRST = [ADDITIONS, REMOVALS] as const;

/** Walks one part of both views together, in ascending order of addresses. */
function walk(
  { before, after }: FlatViewChange,
  sameRange: MemoryRules['sameRange'],
  pass: Pass,
  listeners: readonly MemoryListener[],
): void {
  let oldIndex = 0;
  let newIndex = 0;
  while (oldIndex < before.length || newIndex < after.length) {
    const oldRange = before[oldIndex];
    const newRange = after[newIndex];
    if (oldRange !== undefined && newRange !== undefined && sameRange(oldRange, newRange)) {
      pass.unchanged(listeners, newRange);
      oldIndex++;
      newIndex++;
    } else if (oldRange !== undefined && (newRange === undefined || oldRange.start <= newRange.start)) {
      pass.removed(listeners, oldRange);
      oldIndex++;
    } else {
      pass.added(listeners, newRange!);
      newIndex++;
    }
  }
}
