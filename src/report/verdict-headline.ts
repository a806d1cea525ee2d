import { fingerprintText } from '../invariants/index.ts';
import {
  FIGURES,
  MOST_ANSWERS,
  isMostlyNew,
  isUnreached,
  neverDiffers,
  type Effect,
  type RuleUse,
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
  const broken = errorsThat(verdict, 'breaks').filter((finding) => !isKnownToBase(verdict, finding));
  const uncovered = errorsThat(verdict, 'uncovers').length;
  const hidden = verdict.invariants
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ causes }) =>
      causes.filter(({ status, flaky }) => status === 'hidden' && flaky === undefined),
    ).length;
  const nothing = errorsThat(verdict, 'breaks').length > 0 ? 'breaks nothing new' : 'breaks nothing';
  const harmless = verdict.unreached.length === 0 ? nothing : `${nothing} of what it still does`;
  const parts = [
    broken.length === 0 ? harmless : `breaks ${broken.length}: ${namesOf(broken)}`,
    ...spreadingText(verdict),
    mendingText(verdict),
    ...(uncovered === 0 ? [] : [`uncovers ${uncovered}`]),
    ...(hidden === 0 ? [] : [`hides ${count(hidden, 'cause')}`]),
  ];
  return `${interruption}${parts.join('; ')}${flakyText(verdict)}`;
}

/**
 * That the rules of the patch were asked, and never said anything new. How often they were asked, and in how many ways they
 * answered, tells a change of form alone from one that the cases hardly try.
 */
function sameAnswers(verdict: Verdict): string {
  if (!neverDiffers(verdict)) return '';
  const uses = verdict.rules!.slice(0, MOST_NAMED).map(useText);
  const others = verdict.rules!.length > MOST_NAMED ? ', ...' : '';
  return `: its rules answered as those of the base each time (${uses.join(', ')}${others})`;
}

const useText = ({ rule, asked, answers }: RuleUse): string => {
  const many = answers >= MOST_ANSWERS ? `${MOST_ANSWERS} or more answers` : count(answers, 'answer');
  return `${rule} was asked ${numberText(asked)} times: ${many}`;
};

/** Rules that no case asked, of a patch of which another rule answered otherwise than the base. */
function notAsked({ rules = [] }: Verdict): string {
  const names = rules.filter(({ asked }) => asked === 0).map(({ rule }) => rule);
  return names.length === 0 ? '' : `; not reached: ${names.join(', ')}`;
}

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

/** Whether the base shows all causes of the finding too, in as many other cases: the fault is the base's own. */
const isKnownToBase = (verdict: Verdict, finding: VerdictFinding): boolean =>
  [finding, ...finding.also].every((one) => {
    const cause = causeOf(verdict, one);
    return cause.status === 'worse' && !isMostlyNew(cause);
  });

/**
 * The causes that the base shows too, and the patched side in other cases: a fault that was there, and comes more often, or
 * has moved.
 */
function spreadingText(verdict: Verdict): readonly string[] {
  const known = errorsThat(verdict, 'breaks').filter((finding) => isKnownToBase(verdict, finding));
  const isMoved = (finding: VerdictFinding): boolean => {
    const [before, after] = casesOf(verdict, finding);
    return after <= before;
  };
  const [moved, spread] = [true, false].map((wanted) =>
    known.filter((finding) => isMoved(finding) === wanted),
  );
  return [
    ...(spread!.length === 0
      ? []
      : [`faults of the base in more cases, ${spread!.length}: ${countsOf(verdict, spread!)}`]),
    ...(moved!.length === 0
      ? []
      : [`faults of the base in other cases, ${moved!.length}: ${countsOf(verdict, moved!)}`]),
  ];
}

/** In how many cases the base shows a cause, and in how many the patched side does. */
function casesOf(verdict: Verdict, finding: VerdictFinding): readonly [before: number, after: number] {
  const { both, fixed, hidden, broken, swapped, uncovered } = causeOf(verdict, finding).cases;
  return [both + fixed + hidden, both + broken + swapped + uncovered];
}

function countsOf(verdict: Verdict, findings: readonly VerdictFinding[]): string {
  const texts = findings.slice(0, MOST_NAMED).map((finding) => {
    const [before, after] = casesOf(verdict, finding);
    return `${fingerprintText(finding)} (${before} -> ${after})`;
  });
  return findings.length > MOST_NAMED ? `${texts.join(', ')}, ...` : texts.join(', ');
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
  return parts.join('; ') + (changesNothing(verdict) ? '' : notAsked(verdict) + notExercised(verdict));
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
