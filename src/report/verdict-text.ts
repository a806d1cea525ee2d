import { FIGURES, type CauseStatus, type Verdict } from '../validate/index.ts';
import { count } from './count.ts';
import { deviceRows } from './device-table.ts';
import { exampleBlocks } from './verdict-example.ts';
import { costTable, deviceTable, invariantTable, outcomeLines } from './verdict-tables.ts';

/** A verdict for people: how each invariant changes, every difference with its smallest case, and the cost. */
export function verdictText(verdict: Verdict): string {
  const { sides, cases, seed } = verdict;
  const heading = `${sides.patched.id} against ${sides.base.id}, ${count(cases, 'case')}, seed ${seed}`;
  if (changesNothing(verdict)) return `${[heading, '', ...conclusion(verdict)].join('\n')}\n`;
  const parts = [
    [heading],
    invariantTable(verdict),
    ...exampleBlocks(verdict),
    outcomeLines(verdict),
    costTable(verdict),
    deviceTable(verdict),
    conclusion(verdict),
  ].filter((lines) => lines.length > 0);
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Whether the two sides do the same in every case. */
const changesNothing = ({ invariants, cost, devices, outcomes }: Verdict): boolean =>
  invariants.every(({ causes }) =>
    causes.every(
      ({ cases }) => cases.fixed + cases.hidden + cases.broken + cases.swapped + cases.uncovered === 0,
    ),
  ) &&
  FIGURES.every((figure) => cost.figures[figure].more + cost.figures[figure].less === 0) &&
  [...outcomes.keys()].every((pair) => new Set(pair.split(' ')).size === 1) &&
  deviceRows(devices).length === 0;

/** What the patch mends, uncovers and breaks, in numbers of causes, warnings apart. */
function conclusion(verdict: Verdict): string[] {
  const { invariants, interrupted, cases, breaks } = verdict;
  const errors = invariants.filter(({ severity }) => severity === 'error').flatMap(({ causes }) => causes);
  const causes = (status: CauseStatus, where: string): string[] => {
    const number = errors.filter((cause) => cause.status === status).length;
    return number === 0 ? [] : [`${count(number, 'cause')} ${where}`];
  };
  const interruption = interrupted ? [`interrupted after ${count(cases, 'case')}`] : [];
  if (changesNothing(verdict)) return [...interruption, 'changes nothing'];
  const mended = [...causes('fixed', 'in all cases'), ...causes('better', 'in some cases')];
  const uncovered = errors.filter(({ status }) => status === 'uncovered').length;
  const broken = [
    ...causes('broken', 'that the base never shows'),
    ...causes('swapped', 'in the step where the base stops'),
    ...causes('worse', 'in new cases'),
  ];
  return [
    ...interruption,
    `mends ${mended.join(', ') || 'nothing'}`,
    ...(uncovered === 0 ? [] : [`uncovers ${count(uncovered, 'cause')}`]),
    breaks ? `breaks ${broken.join(', ')}` : 'breaks nothing',
  ];
}
