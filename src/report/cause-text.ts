import type { CauseStatus, CauseVerdict } from '../validate/index.ts';
import { count } from './count.ts';

/** The order in which causes are shown: broken ones first. */
const ORDER: readonly CauseStatus[] = [
  'broken',
  'swapped',
  'worse',
  'fixed',
  'better',
  'uncovered',
  'still broken',
  'hidden',
];

/** Sorts causes: broken ones first. */
export const byStatus = (a: CauseVerdict, b: CauseVerdict): number =>
  ORDER.indexOf(a.status) - ORDER.indexOf(b.status);

/**
 * How a patch changes one cause, with the number of cases on the base and on the patched side:
 * `breaks 1 new case, mends 233 (383 -> 138)`. A side stops when it dies or refuses a device.
 */
export function causeText({ status, cases }: Pick<CauseVerdict, 'status' | 'cases'>): string {
  const { both, fixed, hidden, broken, swapped, uncovered } = cases;
  const before = both + fixed + hidden;
  const after = both + broken + swapped + uncovered;
  const change = {
    broken: `breaks ${count(broken, 'new case')}`,
    swapped: `breaks ${count(swapped, 'case')} in the step where the base stops`,
    uncovered: `breaks ${count(uncovered, 'case')} after the base stops`,
    worse: `breaks ${count(broken, 'new case')}${fixed > 0 ? `, mends ${fixed}` : ''}`,
    fixed:
      hidden > 0
        ? `mends ${count(fixed, 'case')}, stops before ${hidden}`
        : `mends ${fixed === 1 ? 'the only case' : `all ${fixed} cases`}`,
    better: `mends ${count(fixed, 'case')}`,
    'still broken': 'mends no case',
    hidden: `stops before ${count(hidden, 'case')}`,
  } as const satisfies Record<CauseStatus, string>;
  return `${change[status]} (${before} -> ${after})`;
}
