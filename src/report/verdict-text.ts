import { findInvariant } from '../invariants/index.ts';
import {
  FIGURES,
  type CauseStatus,
  type CauseVerdict,
  type Counterexample,
  type InvariantVerdict,
  type Verdict,
} from '../validate/index.ts';
import { amount } from './amount.ts';
import { describeScenario } from './describe-scenario.ts';
import { FIGURE_NAMES, countEffects, deviceRows, figureChange } from './device-table.ts';
import { drawMemoryMap } from './memory-map.ts';
import { table } from './table.ts';
import { LINE_WIDTH, labelled, wrap } from './wrap.ts';

/** In which order causes are shown: what is broken first. */
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

/** A verdict for people: what becomes of each invariant, every difference with its case, the cost. */
export function verdictText(verdict: Verdict): string {
  const { sides, cases, seed } = verdict;
  const heading = `${sides.patched.id} against ${sides.base.id}, ${cases} cases, seed ${seed}`;
  if (changesNothing(verdict)) return `${[heading, '', ...conclusion(verdict)].join('\n')}\n`;
  const blocks = examplesOf(verdict).map(({ invariant, cause }, index) =>
    exampleBlock(verdict, invariant, cause, index + 1),
  );
  const parts = [
    [heading],
    invariantTable(verdict),
    ...blocks,
    outcomeLines(verdict),
    costTable(verdict),
    deviceTable(verdict),
    conclusion(verdict),
  ].filter((lines) => lines.length > 0);
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

interface Example {
  readonly invariant: InvariantVerdict;
  readonly cause: CauseVerdict;
}

/** The causes that come with a case of their own. */
const examplesOf = ({ invariants }: Verdict): Example[] =>
  invariants
    .flatMap((invariant) => invariant.causes.map((cause) => ({ invariant, cause })))
    .filter(({ cause }) => cause.counterexample !== undefined)
    .toSorted((a, b) => ORDER.indexOf(a.cause.status) - ORDER.indexOf(b.cause.status));

function invariantTable({ invariants }: Verdict): string[] {
  const rows = invariants.flatMap(({ invariant, severity, status, causes }) => {
    const name = severity === 'warning' ? `${invariant} (a warning)` : invariant;
    const sorted = causes.toSorted((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status));
    const [first = '', ...rest] = sorted.map(causeText);
    return [[name, status, first], ...rest.map((text) => ['', '', text])];
  });
  return table([['invariant', 'verdict', 'causes'], ...rows]);
}

function causeText({ cause, status, cases }: CauseVerdict): string {
  const { both, fixed, hidden, broken, swapped, uncovered } = cases;
  const times = { base: both + fixed + hidden, patched: both + broken + swapped + uncovered };
  const text = `${cause}: ${times.base} -> ${times.patched} cases`;
  switch (status) {
    case 'broken':
      return `${text}, new`;
    case 'swapped':
      return `${text}, new just where the base gives up`;
    case 'uncovered':
      return `${text}, behind where the base gives up`;
    case 'worse':
      return `${text}, new in ${broken}${fixed > 0 ? `, gone in ${fixed}` : ''}`;
    case 'fixed':
      return hidden > 0 ? `${text}, gone in ${fixed}, not reached in ${hidden}` : `${text}, gone`;
    case 'better':
      return `${text}, gone in ${fixed}`;
    case 'still broken':
      return text;
    case 'hidden':
      return `${text}, not reached any more`;
  }
}

const HEADINGS: Partial<Record<CauseStatus, string>> = {
  broken: 'broken',
  swapped: 'broken just where the base gives up',
  uncovered: 'behind where the base gives up',
  worse: 'broken in more cases',
  fixed: 'fixed',
  better: 'fixed in some cases',
};

function exampleBlock(
  { sides }: Verdict,
  { invariant }: InvariantVerdict,
  { cause, status, counterexample }: CauseVerdict,
  number: number,
): string[] {
  const { scenario, violations, traces, shrinks } = counterexample!;
  const violation = (violations.patched ?? violations.base)!;
  const { clause, site } = findInvariant(invariant);
  const maps = mapsOf(counterexample!);
  const paragraphs = [
    wrap(violation.message, LINE_WIDTH),
    describeScenario(scenario, violation.step),
    ...(['base', 'patched'] as const).map((side) => [
      ...wrap(
        `${side}: ${sides[side].id}, ${howItEnds(traces[side].outcome, traces[side].error)}`,
        LINE_WIDTH,
        2,
      ),
      ...(maps[side].length > 0 ? maps[side] : ['(nothing of the device is mapped)']),
    ]),
    [...labelled('expected', clause), ...labelled('in QEMU', site)],
  ];
  const body = paragraphs.map((lines) => lines.map((line) => `   ${line}`).join('\n')).join('\n\n');
  return [`${number}  ${HEADINGS[status]}: ${invariant} / ${cause}   (shrunk in ${shrinks} steps)`, '', body];
}

/** The memory map of either side where one of them breaks the invariant. */
export function mapsOf({ traces, violations }: Counterexample): { base: string[]; patched: string[] } {
  const violation = (violations.patched ?? violations.base)!;
  return {
    base: drawMemoryMap(traces.base, violations.base ?? violation),
    patched: drawMemoryMap(traces.patched, violations.patched ?? violation),
  };
}

function howItEnds(outcome: 'ok' | 'rejected' | 'aborted', error: string | undefined): string {
  if (outcome === 'ok') return 'which comes to the end of it';
  return `${outcome === 'rejected' ? 'which refuses the device' : 'which dies'}: ${error ?? ''}`;
}

const ENDS = { ok: 'comes to the end', rejected: 'refuses the device', aborted: 'dies' } as const;

/** The cases that end otherwise, by how. */
function outcomeLines({ outcomes }: Verdict): string[] {
  const changed = [...outcomes]
    .map(([pair, cases]) => ({ ends: pair.split(' ') as (keyof typeof ENDS)[], cases }))
    .filter(({ ends }) => ends[0] !== ends[1]);
  if (changed.length === 0) return [];
  const rows = changed.map(({ ends, cases }) => [String(cases), `${ENDS[ends[0]!]} -> ${ENDS[ends[1]!]}`]);
  return ['how cases end', ...table(rows, [0]).map((line) => `   ${line}`)];
}

function costTable({ cost: { cases, figures } }: Verdict): string[] {
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
  const lines = table([['', 'base', 'patched', 'change', 'more in', 'less in'], ...rows], [1, 2, 3, 4, 5]);
  return [`cost over the ${cases} cases that both come to the end of`, ...lines.map((line) => `   ${line}`)];
}

function deviceTable({ devices }: Verdict): string[] {
  const rows = deviceRows(devices);
  if (rows.length === 0) return [];
  const cells = rows.map(({ device, hosts, changes, outcome }, index) => [
    rows[index - 1]?.device === device ? '' : shorten(device),
    hosts.join(', '),
    ...changes,
    outcome,
  ]);
  const heading = ['', 'host', ...FIGURES.map((figure) => FIGURE_NAMES[figure]), ''];
  const summary = [...countEffects(devices)].map(([host, effects]) => [
    host,
    ...(['gains', 'loses', 'gains and loses', 'as before'] as const).map((effect) =>
      String(effects.get(effect) ?? 0),
    ),
  ]);
  return [
    'change for real devices',
    ...table([heading, ...cells], [2, 3, 4, 5, 6]).map((line) => `   ${line}`),
    '',
    ...table([['', 'gain', 'lose', 'gain and lose', 'as before'], ...summary], [1, 2, 3, 4]).map(
      (line) => `   ${line}`,
    ),
  ];
}

const shorten = (name: string): string => (name.length > 40 ? `${name.slice(0, 39)}…` : name);

/** Whether the two sides do the same in every case. */
export const changesNothing = ({ invariants, cost, devices, outcomes }: Verdict): boolean =>
  invariants.every(({ causes }) =>
    causes.every(
      ({ cases }) => cases.fixed + cases.hidden + cases.broken + cases.swapped + cases.uncovered === 0,
    ),
  ) &&
  FIGURES.every((figure) => cost.figures[figure].more + cost.figures[figure].less === 0) &&
  [...outcomes.keys()].every((pair) => new Set(pair.split(' ')).size === 1) &&
  deviceRows(devices).length === 0;

function conclusion(verdict: Verdict): string[] {
  const { invariants, interrupted, cases, breaks } = verdict;
  const errors = invariants.filter(({ severity }) => severity === 'error').flatMap(({ causes }) => causes);
  const count = (...statuses: readonly CauseStatus[]): number =>
    errors.filter(({ status }) => statuses.includes(status)).length;
  const broken = [
    part(count('broken'), 'new'),
    part(count('swapped'), 'new just where the base gives up'),
    part(count('worse'), 'in more cases'),
  ].filter((text) => text !== '');
  const fixed = [part(count('fixed'), 'for good'), part(count('better'), 'in some cases')].filter(
    (text) => text !== '',
  );
  const interruption = interrupted ? [`interrupted after ${cases} cases`] : [];
  if (changesNothing(verdict)) return [...interruption, 'changes nothing'];
  const uncovered = part(count('uncovered'), 'that the base gives up before it could show');
  return [
    ...interruption,
    `fixes ${fixed.length > 0 ? fixed.join(', ') : 'nothing'}`,
    ...(uncovered === '' ? [] : [`uncovers ${uncovered}`]),
    breaks ? `breaks ${broken.join(', ')}` : 'breaks nothing',
  ];
}

const part = (count: number, what: string): string =>
  count === 0 ? '' : `${count} ${count === 1 ? 'cause' : 'causes'} ${what}`;
