import { stabilityText } from '../campaign/index.ts';
import { FIGURES, type InvariantStatus, type Verdict } from '../validate/index.ts';
import { amount } from './amount.ts';
import { STOPS, byStatus, causeText, mentionsStops } from './cause-text.ts';
import { count } from './count.ts';
import { FIGURE_NAMES, countEffects, deviceRows, figureChange } from './device-table.ts';
import { alignedLines, table } from './table.ts';
import { shortened } from './shortened.ts';
import { lineWidth, wrap } from './wrap.ts';

const STATUS_WORDS: Readonly<Record<InvariantStatus, string>> = {
  held: 'holds',
  fixed: 'mended',
  broken: 'broken',
  'still broken': 'still broken',
  'not comparable': 'not comparable',
};

/** How the patch changes each invariant and its causes. */
export function invariantTable({ invariants }: Verdict): string[] {
  const rows = invariants.flatMap(({ invariant, severity, status, causes }) => {
    const name = severity === 'warning' ? `${invariant} (a warning)` : invariant;
    const sorted = causes.toSorted(byStatus);
    const [first = '', ...rest] = sorted.map(
      ({ cause, cases, flaky }) =>
        `${cause}: ${causeText(cases)}${flaky === undefined ? '' : `, ${stabilityText(flaky)}`}`,
    );
    return [[name, STATUS_WORDS[status], first], ...rest.map((text) => ['', '', text])];
  });
  const lines = table([
    ['invariant', 'verdict', 'causes, with the number of cases (base -> patched)'],
    ...rows,
  ]);
  const needsExplanation = mentionsStops(invariants.flatMap(({ causes }) => causes));
  return needsExplanation ? [...lines, '', ...wrap(STOPS, lineWidth())] : lines;
}

const ENDS = { ok: 'completes', rejected: 'refuses the device', aborted: 'dies' } as const;

/** The number of cases that end differently on the two sides. */
export function outcomeLines({ outcomes }: Verdict): string[] {
  const changed = [...outcomes]
    .map(([pair, cases]) => ({ ends: pair.split(' ') as (keyof typeof ENDS)[], cases }))
    .filter(({ ends }) => ends[0] !== ends[1]);
  if (changed.length === 0) return [];
  const rows = changed.map(({ ends, cases }) => [String(cases), `${ENDS[ends[0]!]} -> ${ENDS[ends[1]!]}`]);
  return ['cases that end differently (base -> patched)', ...table(rows, [0]).map((line) => `   ${line}`)];
}

/** How a table becomes lines: `table` for a terminal; `alignedLines`, a line for each row, for reports in files. */
type LayOut = typeof table;

/** How the figures change over all cases that both sides complete. */
export function costTable({ cost: { cases, figures } }: Verdict, layOut: LayOut = alignedLines): string[] {
  const changed = FIGURES.filter((figure) => figures[figure].more + figures[figure].less > 0);
  if (changed.length === 0) return [];
  const rows = changed.map((figure) => {
    const { base, patched, more, less } = figures[figure];
    const isCount = figure === 'memslots' || figure === 'maps';
    const show = (value: bigint): string => (isCount ? String(value) : amount(value));
    return [
      FIGURE_NAMES[figure],
      show(base),
      show(patched),
      figureChange(figure, patched - base),
      String(more),
      String(less),
    ];
  });
  const headings = ['', 'base', 'patched', 'change', 'cases with more', 'cases with less'];
  const lines = layOut([headings, ...rows], [1, 2, 3, 4, 5]);
  return [
    `cost, summed over the ${count(cases, 'case')} that both sides complete`,
    ...lines.map((line) => `   ${line}`),
  ];
}

/** How the figures change for real devices, and how many devices gain and lose on each host. */
export function deviceTable({ devices }: Verdict, layOut: LayOut = alignedLines): string[] {
  const rows = deviceRows(devices);
  if (rows.length === 0) return [];
  const cells = rows.map(({ device, hosts, changes, outcome }, index) => [
    rows[index - 1]?.device === device ? '' : shorten(device),
    hosts.join(', '),
    ...changes,
    outcome,
  ]);
  const headings = ['', 'host', ...FIGURES.map((figure) => FIGURE_NAMES[figure]), ''];
  const summary = [...countEffects(devices)].map(([host, effects]) => [
    host,
    ...(['gains', 'loses', 'gains and loses', 'as before'] as const).map((effect) =>
      String(effects.get(effect) ?? 0),
    ),
  ]);
  return [
    'change for real devices',
    ...layOut([headings, ...cells], [2, 3, 4, 5, 6]).map((line) => `   ${line}`),
    '',
    ...layOut(
      [['devices that', 'gain', 'lose', 'gain and lose', 'stay the same'], ...summary],
      [1, 2, 3, 4],
    ).map((line) => `   ${line}`),
  ];
}

const shorten = (name: string): string => shortened(name, 40);
