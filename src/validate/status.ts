import type { CauseTally } from './compare.ts';

/**
 * How a patch changes one cause for which an invariant breaks, over all cases. A side stops when it dies or
 * refuses a device.
 */
export type CauseStatus =
  /** Cases of the base show the cause, no case of the patched side does. */
  | 'fixed'
  /** Cases of the patched side show the cause, no case of the base does. */
  | 'broken'
  /** Only the patched side shows the cause, in the step in which the base stops: one failure replaces another. */
  | 'swapped'
  /** Only the patched side shows the cause, in steps after the base stops: the base might show it there, too. */
  | 'uncovered'
  /** Both sides show the cause, and the patched side also in cases in which the base does not. */
  | 'worse'
  /** Both sides show the cause, and the base also in cases in which the patched side does not. */
  | 'better'
  /** Both sides show the cause, and the patch fixes it in no case. */
  | 'still broken'
  /** The base shows the cause; the patched side stops earlier, or never comes to the point, in every such case. */
  | 'hidden';

/**
 * Whether the patch, rather than the base, makes the cause: the patched side newly shows it in more cases than the base shows
 * it at all. Of a cause that the base shows often, some cases more or other cases say little.
 */
export const isMostlyNew = ({ cases: { both, fixed, hidden, broken } }: Pick<CauseTally, 'cases'>): boolean =>
  broken > both + fixed + hidden;

/** The status of a cause, from the cases that show it. */
export function statusOf({
  cases: { both, fixed, hidden, broken, swapped, uncovered },
}: Pick<CauseTally, 'cases'>): CauseStatus {
  const base = both + fixed + hidden;
  const patched = both + broken + swapped + uncovered;
  if (base === 0) return broken > 0 ? 'broken' : swapped > 0 ? 'swapped' : 'uncovered';
  if (broken > 0) return 'worse';
  if (patched === 0) return fixed > 0 ? 'fixed' : 'hidden';
  return fixed > 0 ? 'better' : 'still broken';
}
