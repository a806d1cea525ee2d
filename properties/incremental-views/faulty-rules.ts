import type { FlatRange } from '../../src/memory/index.ts';
import type { Rules } from './ruled-topology.ts';
import { effectiveRoot, same } from './view.ts';
import { difference, narrowDifference, splice } from './windows.ts';

/** Compares two ranges as a listener should, but ignores some attributes. */
const equalBut =
  (...blind: readonly (keyof FlatRange)[]) =>
  (a: FlatRange, b: FlatRange): boolean =>
    (
      ['region', 'start', 'end', 'offset', 'romdMode', 'readonly', 'nonvolatile', 'unmergeable'] as const
    ).every((key) => blind.includes(key) || a[key] === b[key]);

/** Rules with one fault each. A name with an id is a known bug. */
export const FAULTY_RULES: Readonly<Record<string, Partial<Rules>>> = {
  'SV-01: a range with another end counts as the same': { equal: equalBut('end') },
  'QM-03: a ROM device in another mode counts as the same': { equal: equalBut('romdMode') },
  'a range of another region counts as the same': { equal: equalBut('region') },
  'a range with another offset counts as the same': { equal: equalBut('offset') },
  'a range with another permission counts as the same': { equal: equalBut('readonly') },
  'ranges that are kept are removed and added again': { equal: () => false },
  'additions come before removals': {
    order: (removed, others) => [...others, ...removed],
  },
  'additions and removals come in the order of addresses': {
    order: (removed, others) =>
      [...removed, ...others].toSorted((a, b) => (a.range.start < b.range.start ? -1 : a.range.start > b.range.start ? 1 : 0)), // prettier-ignore
  },
  'removals come by falling address': { order: (removed, others) => [...removed.toReversed(), ...others] },
  'additions come by falling address': { order: (removed, others) => [...removed, ...others.toReversed()] },
  'no listener is notified of kept ranges': {
    order: (removed, others) => [...removed, ...others.filter(({ what }) => what !== 'nop')],
  },
  'the window of an update is one byte short': {
    update: (before, fresh) => {
      const window = difference(before, fresh);
      return window === undefined
        ? fresh
        : splice(before, fresh, { start: window.start, end: window.end - 1n });
    },
  },
  'the window of an update begins one byte late': {
    update: (before, fresh) => {
      const window = difference(before, fresh);
      return window === undefined
        ? fresh
        : splice(before, fresh, { start: window.start + 1n, end: window.end });
    },
  },
  'the updated window does not merge with its neighbours': {
    update: (before, fresh) => {
      const window = narrowDifference(before, fresh);
      return window === undefined ? fresh : splice(before, fresh, window, (all) => all);
    },
  },
  'the addresses that a region leaves are not updated': {
    update: (before, fresh) => {
      const window = difference([], fresh.filter((range) => !before.some((old) => same(old, range)))); // prettier-ignore
      return window === undefined ? before : splice(before, fresh, window);
    },
  },
  'views are not updated': { update: (before, fresh) => (before.length > 0 ? before : fresh) },
  'the effective root is not looked up again': {
    root: (space, before) => (before?.root?.enabled ? before.root : effectiveRoot(space.root)),
  },
  'the root itself is rendered, not the effective root': { root: ({ root }) => root },
  'a new listener gets no additions': { replay: () => [] },
  'a new listener does not get the last range': { replay: (ranges) => ranges.slice(0, -1) },
  'a new listener gets its additions by falling address': { replay: (ranges) => ranges.toReversed() },
  'an unregistered listener keeps the last range': { unregister: (ranges) => ranges.slice(0, -1) },
  'only listeners with notifications get the commit': { ends: (notified) => notified },
  'the commit of an inner transaction updates the views': { updatesInside: true },
};
