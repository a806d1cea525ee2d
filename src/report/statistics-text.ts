import type { CampaignState, Tally } from '../campaign/index.ts';
import { INVARIANT_IDS } from '../invariants/index.ts';
import { table } from './table.ts';
import { fittedText } from './wrap.ts';

/** What the statistics of a campaign say beside the numbers of cases. */
export interface StatisticsContext {
  readonly growth?: CampaignState['growth'];
  /** Cases that this command has run, and how many seconds it took. */
  readonly ran?: number;
  readonly seconds?: number;
}

/** Fewer cases a second of one command are too slow: a search on the model runs some hundred at least. */
const SLOW = 100;
/** If so many of a hundred cases are refused or cannot run, the generators miss the VMM. */
const MANY_REFUSED = 50;

/** What the cases of a campaign were and what they showed; last, what is wrong with the campaign itself. */
export function statisticsText(tally: Tally, { growth = [], ran, seconds }: StatisticsContext): string {
  const { cases, by } = tally;
  const { outcomes, notRun, exercised, classes, pageSizes, skips, behaviours } = by;
  const rare = [...behaviours.values()].filter((times) => times === 1).length;
  const sections = [
    shares('outcomes', outcomes, cases),
    shares('not run', notRun, cases),
    shares('invariants exercised', exercised, cases),
    shares('kinds of scenario', classes, cases),
    shares('page sizes', pageSizes, cases),
    shares('skipped sections, by reason', skips, cases),
    [
      `behaviours: ${behaviours.size}, ${rare} of them in one case`,
      ...growth.map(([after, known]) => `  ${known} after ${after} cases`),
    ],
    warnings(tally, ran, seconds),
  ];
  return `\n${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => fittedText(lines))
    .join('\n')}`;
}

/** The numbers and shares of cases under a heading, the most frequent first; nothing where there is none. */
function shares(heading: string, counts: ReadonlyMap<string, number>, cases: number): readonly string[] {
  if (counts.size === 0) return [];
  const sorted = [...counts].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const rows = sorted.map(([name, times]) => [`  ${name}`, String(times), `${percent(times, cases)} %`]);
  return [heading, ...table(rows, [1, 2])];
}

const percent = (times: number, cases: number): string => ((100 * times) / Math.max(cases, 1)).toFixed(1);

function warnings(
  { cases, by: { outcomes, notRun, exercised } }: Tally,
  ran: number | undefined,
  seconds: number | undefined,
): readonly string[] {
  const refused =
    (outcomes.get('rejected') ?? 0) + [...notRun.values()].reduce((sum, times) => sum + times, 0);
  // `model-agrees` judges real VMMs alone.
  const idle = INVARIANT_IDS.filter((id) => !exercised.has(id) && id !== 'model-agrees');
  const speed = ran === undefined || seconds === undefined ? Infinity : ran / seconds;
  return [
    ...(speed < SLOW ? [`warning: slow, ${speed.toFixed(0)} cases a second`] : []),
    ...(100 * refused > MANY_REFUSED * cases
      ? [`warning: ${percent(refused, cases)} % of the cases were refused or not run`]
      : []),
    ...(idle.length > 0 ? [`warning: never exercised: ${idle.join(', ')}`] : []),
  ];
}
