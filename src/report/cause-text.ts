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
 * `breaks 1 new case, mends 233 (371 -> 139)`. `STOPS` explains the words. The text begins with "breaks" for just those
 * causes that make a verdict break something: where the base shows the cause in other cases, a case in which the base
 * stops in that step is uncovered.
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
  const isNew = before === 0;
  const changes = [
    broken > 0
      ? { verb: 'breaks', cases: isNew ? broken + swapped : broken, noun: 'new case', where: '' }
      : {
          verb: 'breaks',
          cases: isNew ? swapped : 0,
          noun: 'case',
          where: ' in the step where the base stops',
        },
    { verb: 'mends', cases: fixed, noun: 'case', where: '' },
    { verb: 'uncovers', cases: isNew ? uncovered : uncovered + swapped, noun: 'case', where: '' },
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
  'that breaks the invariant, or if it never comes to the point in any case. A patch uncovers a case if the base ' +
  'stops in or before that step.';

/** Whether the text of one of these causes needs the explanation of `STOPS`. */
export const mentionsStops = (causes: readonly Pick<CauseVerdict, 'cases'>[]): boolean =>
  causes.some(({ cases: { hidden, swapped, uncovered } }) => hidden + swapped + uncovered > 0);
