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
export const byStatus = (a: Pick<CauseVerdict, 'status'>, b: Pick<CauseVerdict, 'status'>): number =>
  ORDER.indexOf(a.status) - ORDER.indexOf(b.status);

/**
 * What a patch does to the cases of one cause, with their number on the base and on the patched side:
 * `breaks 1 new case, mends 233 (371 -> 139)`. `STOPS` explains the words.
 */
export function causeText({
  both,
  fixed,
  hidden,
  broken,
  swapped,
  uncovered,
}: CauseVerdict['cases']): string {
  const [before, after] = [both + fixed + hidden, both + broken + swapped + uncovered];
  const changes = [
    broken > 0
      ? { verb: 'breaks', cases: broken + swapped, noun: 'new case', where: '' }
      : { verb: 'breaks', cases: swapped, noun: 'case', where: ' in the step where the base stops' },
    { verb: 'mends', cases: fixed, noun: 'case', where: '' },
    { verb: 'uncovers', cases: uncovered, noun: 'case', where: '' },
    { verb: 'hides', cases: hidden, noun: 'case', where: '' },
  ]
    .filter(({ cases }) => cases > 0)
    .map(
      ({ verb, cases, noun, where }, index) => `${verb} ${index === 0 ? count(cases, noun) : cases}${where}`,
    );
  return `${changes.join(', ') || 'changes no case'} (${before} -> ${after})`;
}

/** What `causeText` means by stopping, hiding and uncovering. */
export const STOPS =
  'A side stops when it dies or refuses a device. A patch hides a case if the patched side stops before the step ' +
  'that breaks the invariant, and uncovers a case if the base stops before that step.';

/** Whether the text of one of these causes needs the explanation of `STOPS`. */
export const mentionsStops = (causes: readonly Pick<CauseVerdict, 'cases'>[]): boolean =>
  causes.some(({ cases: { hidden, swapped, uncovered } }) => hidden + swapped + uncovered > 0);
