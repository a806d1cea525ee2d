import { fingerprintText } from '../invariants/index.ts';
import {
  FIGURES,
  isUnreached,
  neverDiffers,
  type Effect,
  type SideName,
  type Verdict,
  type VerdictFinding,
} from '../validate/index.ts';
import { amountChange, countChange } from './amount.ts';
import { count } from './count.ts';
import { FIGURE_NAMES, deviceRows, type DeviceEffect } from './device-table.ts';
import { unreachedText } from './tree-lines.ts';
import { causeOf } from './verdict-example.ts';

/** How many causes the first line names; the others follow below. */
const MOST_NAMED = 3;

/** The three lines that say it all: what the patch does, what was looked at, and what the patch costs. */
export const headline = (verdict: Verdict): readonly string[] => [
  effectLine(verdict),
  scopeLine(verdict),
  costLine(verdict),
];

/** Whether the two sides do the same in every case. */
export const changesNothing = ({ invariants, cost, devices, outcomes }: Verdict): boolean =>
  invariants.every(({ causes }) =>
    causes.every(
      ({ cases, flaky }) =>
        flaky !== undefined ||
        cases.fixed + cases.hidden + cases.broken + cases.swapped + cases.uncovered === 0,
    ),
  ) &&
  FIGURES.every((figure) => cost.figures[figure].more + cost.figures[figure].less === 0) &&
  [...outcomes.keys()].every((pair) => new Set(pair.split(' ')).size === 1) &&
  deviceRows(devices).length === 0;

/** The findings with this effect, warnings apart. */
const errorsThat = ({ findings }: Verdict, effect: Effect): readonly VerdictFinding[] =>
  findings.filter((finding) => finding.effect === effect && finding.severity === 'error');

/** What the patch does, in numbers of findings, warnings apart. */
function effectLine(verdict: Verdict): string {
  const { cases, interrupted } = verdict;
  const interruption = interrupted ? 'interrupted: ' : '';
  // What differs all the same depends on timing.
  if (
    isUnreached(verdict) &&
    errorsThat(verdict, 'breaks').length + errorsThat(verdict, 'mends').length === 0
  )
    return `${interruption}${unreachedText(verdict)}; ${numberText(cases)} cases say nothing of the patch`;
  if (changesNothing(verdict)) {
    return `${interruption}changes nothing in ${numberText(cases)} cases${sameAnswers(verdict)}${notExercised(verdict)}${flakyText(verdict)}`;
  }
  const broken = errorsThat(verdict, 'breaks');
  const uncovered = errorsThat(verdict, 'uncovers').length;
  const hidden = verdict.invariants
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ causes }) =>
      causes.filter(({ status, flaky }) => status === 'hidden' && flaky === undefined),
    ).length;
  const harmless = verdict.unreached.length === 0 ? 'breaks nothing' : 'breaks nothing of what it still does';
  const parts = [
    broken.length === 0 ? harmless : `breaks ${broken.length}: ${namesOf(broken)}`,
    mendingText(verdict),
    ...(uncovered === 0 ? [] : [`uncovers ${uncovered}`]),
    ...(hidden === 0 ? [] : [`hides ${count(hidden, 'cause')}`]),
  ];
  return `${interruption}${parts.join('; ')}${flakyText(verdict)}`;
}

/** That the rules of the patch were asked, and never said anything new. */
const sameAnswers = (verdict: Verdict): string =>
  neverDiffers(verdict) ? ': its rules answered as those of the base each time' : '';

/** The differences that depend on timing, with the repetitions in which they show. */
function flakyText({ invariants }: Verdict): string {
  const names = invariants.flatMap(({ invariant, causes }) =>
    causes.flatMap(({ cause, flaky }) =>
      flaky === undefined
        ? []
        : [`${fingerprintText({ invariant, cause })} (${flaky.shown} of ${flaky.of} runs)`],
    ),
  );
  return names.length === 0 ? '' : `; flaky, not counted: ${names.join(', ')}`;
}

function mendingText(verdict: Verdict): string {
  const mended = errorsThat(verdict, 'mends');
  const inAll = mended.filter((finding) => causeOf(verdict, finding).status === 'fixed').length;
  const parts = [
    ...(inAll === 0 ? [] : [`${inAll} in all cases`]),
    ...(mended.length === inAll ? [] : [`${mended.length - inAll} in some cases`]),
  ];
  return `mends ${parts.join(', ') || 'nothing'}`;
}

const namesOf = (findings: readonly VerdictFinding[]): string => {
  const names = findings.slice(0, MOST_NAMED).map(fingerprintText).join(', ');
  return findings.length > MOST_NAMED ? `${names}, ...` : names;
};

/** What was looked at, and what no case came to. */
function scopeLine(verdict: Verdict): string {
  const { sides, cases, seed, notRun } = verdict;
  const left = [...notRun.values()].reduce((sum, cases) => sum + cases, 0);
  const parts = [
    `${sideText(sides.patched)} against ${sideText(sides.base)}: ${numberText(cases)} cases, seed ${seed}`,
    ...(left === 0 ? [] : [`not run: ${numberText(left)}`]),
  ];
  // A verdict of nothing names them in the first line.
  return parts.join('; ') + (changesNothing(verdict) ? '' : notExercised(verdict));
}

/** The name of a side, with the version of a real VMM. */
const sideText = ({ id, version }: SideName): string => (version === undefined ? id : `${id} (${version})`);

/** The invariants and requests that no case came to: a verdict says nothing about them. */
function notExercised({ invariants, unreached }: Verdict): string {
  const never = invariants.filter(({ exercised }) => exercised.base + exercised.patched === 0);
  const noLonger = invariants.filter(({ exercised }) => exercised.base > 0 && exercised.patched === 0);
  const lists = [
    { label: 'not exercised', names: never.map(({ invariant }) => invariant) },
    { label: 'not exercised with the patch', names: noLonger.map(({ invariant }) => invariant) },
    { label: 'the patched side never gets a', names: unreached },
  ];
  return lists
    .filter(({ names }) => names.length > 0)
    .map(({ label, names }) => `; ${label}: ${names.join(', ')}`)
    .join('');
}

/** What the patch costs, over all cases that both sides complete and for real devices. */
function costLine({ cost, devices }: Verdict): string {
  const changes = FIGURES.filter((figure) => cost.figures[figure].more + cost.figures[figure].less > 0).map(
    (figure) => {
      const { base, patched, more, less } = cost.figures[figure];
      const change = patched - base;
      const isCount = figure === 'memslots' || figure === 'maps';
      const text = isCount ? countChange(change) : amountChange(change);
      return `${FIGURE_NAMES[figure]} ${text} (more in ${more}, less in ${less} cases)`;
    },
  );
  const effects = new Map<DeviceEffect, Set<string>>();
  for (const { device, effect } of deviceRows(devices)) {
    effects.set(effect, (effects.get(effect) ?? new Set()).add(device));
  }
  const number = (effect: DeviceEffect): number => effects.get(effect)?.size ?? 0;
  const all = new Set(devices.map(({ device }) => device)).size;
  const real = (['loses', 'gains', 'gains and loses'] as const)
    .filter((effect) => number(effect) > 0)
    .map((effect) => `${number(effect)} ${VERBS[effect]}`);
  const parts = [...changes, ...(real.length === 0 ? [] : [`of ${all} real devices ${real.join(', ')}`])];
  return `costs: ${parts.join('; ') || 'no direct-mapped byte, memslot or map'}`;
}

const VERBS = { loses: 'lose', gains: 'gain', 'gains and loses': 'gain and lose' } as const;

/** A number as text with a comma between thousands. */
const numberText = (number: number): string => number.toLocaleString('en-US');
