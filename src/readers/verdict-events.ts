import { COMMON_INVARIANTS, findInvariant, siteOf, type Violation } from '../invariants/index.ts';
import {
  causeOf,
  causeText,
  costTable,
  count,
  describeScenario,
  deviceTable,
  headline,
  mapOfTrace,
  mapsOf,
  type MapMark,
} from '../report/index.ts';
import { encodeScenario, needsOf, realismText } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import type { Verdict, VerdictFinding } from '../validate/index.ts';
import { stepsOf } from './actions.ts';
import { ruleOf, type FindingPlace } from './finding.ts';
import type { EmitReportEvent, ReportedFinding, ReportSummary } from './report-event.ts';

/** Where the case of a finding is, and how to see it again. */
export type PlaceOfVerdict = (finding: VerdictFinding) => Omit<FindingPlace, 'number'>;

/** Tells a verdict by the events of a report. */
export function verdictEvents(
  verdict: Verdict,
  emit: EmitReportEvent,
  placeOf: PlaceOfVerdict,
  again: string,
): void {
  const { sides, seed, runs, findings, interrupted } = verdict;
  emit({
    type: 'started',
    plan: {
      subject: `${sides.patched.id} against ${sides.base.id}`,
      target: sides.base.title,
      seed,
      cases: runs,
      rules: COMMON_INVARIANTS.map(ruleOf),
      again,
      notes: [],
    },
  });
  for (const [index, finding] of findings.entries()) {
    const place = { number: index + 1, ...placeOf(finding) };
    emit({ type: 'finding', finding: reportedDifference(verdict, finding, place) });
  }
  if (interrupted) emit({ type: 'interrupted' });
  emit({ type: 'summary', summary: summaryOf(verdict) });
}

function reportedDifference(
  verdict: Verdict,
  finding: VerdictFinding,
  { number, file, again }: FindingPlace,
): ReportedFinding {
  const { invariant, cause, effect, severity, counterexample } = finding;
  const { scenario, violations, traces, shrinks } = counterexample;
  const side = violations.patched === undefined ? 'base' : 'patched';
  const violation = violations[side]!;
  let pictures: ReportedFinding['pictures'] | undefined;
  return {
    number,
    rule: invariant,
    cause,
    severity,
    effect,
    message: violation.message,
    expected: findInvariant(invariant).clause,
    observed: `base ${ending(traces.base)}; patched ${ending(traces.patched)}`,
    site: siteOf(violation, traces[side]).place,
    revision: verdict.sides[side].id,
    realism: realismText(needsOf(scenario)),
    howOften: `${causeText(causeOf(verdict, finding).cases)}, shrunk in ${count(shrinks, 'step')}`,
    ...(file !== undefined && { file }),
    ...(again !== undefined && { again }),
    scenario: encodeScenario(scenario),
    description: describeScenario(scenario, violation.step),
    steps: stepsOf(traces[side], violation.step),
    // Without a report no reader asks for them.
    get pictures() {
      return (pictures ??= picturesOf(verdict, counterexample, violation));
    },
  };
}

/** The map without the patch and the map with it. */
function picturesOf(
  { sides }: Verdict,
  counterexample: VerdictFinding['counterexample'],
  violation: Violation,
): ReportedFinding['pictures'] {
  const { traces, violations } = counterexample;
  const tables = mapsOf(counterexample);
  return (['base', 'patched'] as const).map((which) => ({
    caption: `${which === 'base' ? 'before' : 'after'}: ${sides[which].id}`,
    map: mapOfTrace(
      traces[which],
      violations[which],
      violations[which] === undefined ? sameBytes(violation) : [],
      violations[which]?.step ?? violation.step,
    ),
    table: tables[which],
  }));
}

/** Marks the bytes of the other side's violation. */
const sameBytes = ({ at }: Violation): readonly MapMark[] =>
  at === undefined
    ? []
    : [{ start: at.start, end: at.end, label: 'the same bytes: the rule is not broken here', tone: 'note' }];

function ending({ outcome, error = '' }: Trace): string {
  if (outcome === 'ok') return 'completes all steps';
  return `${outcome === 'rejected' ? 'refuses the device' : 'dies'}: ${error}`;
}

function summaryOf(verdict: Verdict): ReportSummary {
  const { cases, invariants, outcomes, notRun } = verdict;
  return {
    cases,
    exercised: Object.fromEntries(
      invariants.map(({ invariant, exercised }) => [invariant, Math.min(exercised.base, exercised.patched)]),
    ),
    outcomes: Object.fromEntries([...outcomes].map(([pair, number]) => [pair.replace(' ', ' -> '), number])),
    notRun: Object.fromEntries(notRun),
    known: [],
    headline: headline(verdict),
    cost: [...costTable(verdict), ...deviceTable(verdict)],
  };
}
