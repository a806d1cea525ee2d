import type {
  Finding,
  FuzzPlan,
  FuzzResult,
  ProofPlan,
  ProofResult,
  StoredRegression,
  Tally,
} from '../campaign/index.ts';
import { shardText } from '../campaign/index.ts';
import type { Invariant } from '../invariants/index.ts';
import { count } from '../report/index.ts';
import { reportedFinding, ruleOf, type FindingPlace } from './finding.ts';
import { brokenText } from './headline.ts';
import type { EmitReportEvent, KnownFinding, ReportSummary } from './report-event.ts';

/** What the events of a campaign of blocks need beside its result. */
export interface CampaignReport {
  readonly emit: EmitReportEvent;
  readonly invariants: readonly Invariant[];
  /** The findings that the revision is known for. */
  readonly known: readonly StoredRegression[];
}

/** Tells how a search without an end, or with many cases, begins. */
export const fuzzBegins = (plan: FuzzPlan, report: CampaignReport): void =>
  begins(plan, { seed: plan.seed, ...(plan.runs !== undefined && { cases: plan.runs }) }, report);

/** Tells what a search has found. @param placeOf where the case of a finding is, and how to see it again. */
export function fuzzEnds(
  { tally, isComplete }: FuzzResult,
  plan: FuzzPlan,
  findings: readonly Finding[],
  report: CampaignReport & {
    readonly placeOf: (finding: Finding) => Omit<FindingPlace, 'number'>;
    readonly interrupted: boolean;
  },
): void {
  const { emit, placeOf, interrupted } = report;
  tell(findings, emit, placeOf);
  if (interrupted) emit({ type: 'interrupted' });
  const known = knownIn(tally, report.known);
  const end = isComplete ? '' : ', and more are left';
  emit({
    type: 'summary',
    summary: summaryOf(tally, known, [
      tally.cases === 0
        ? 'no case ran: there is no result'
        : brokenText(plan.revision, findings, known.length),
      `${count(tally.cases, 'case')}${end}, seed ${plan.seed}, ${count(report.invariants.length, 'invariant')}`,
      idleText(tally, report.invariants),
    ]),
  });
}

/** Tells how the proof of a scope begins. */
export const proofBegins = (plan: ProofPlan, report: CampaignReport): void =>
  begins(plan, { cases: plan.size }, report);

/** Tells what a proof has shown. @param findings what the first scenario breaks that does not hold. */
export function proofEnds(
  { tally, size }: ProofResult,
  plan: ProofPlan,
  findings: readonly Finding[],
  report: CampaignReport & { readonly interrupted: boolean },
): void {
  const { emit, interrupted } = report;
  tell(findings, emit, () => ({ file: undefined, again: plan.command }));
  if (interrupted) emit({ type: 'interrupted' });
  const known = knownIn(tally, report.known);
  const isWhole = tally.cases === size;
  emit({
    type: 'summary',
    summary: summaryOf(tally, known, [
      findings.length > 0 || isWhole
        ? brokenText(plan.revision, findings, known.length)
        : `${plan.revision} is not proven: the proof was interrupted`,
      `${tally.cases} of ${count(size, 'scenario')} ran, ${count(report.invariants.length, 'invariant')}`,
      idleText(tally, report.invariants),
    ]),
  });
}

const begins = (
  { revision, shard, command, target = 'model' }: Pick<FuzzPlan, 'revision' | 'shard' | 'command' | 'target'>,
  extent: { readonly seed?: string; readonly cases?: number },
  { emit, invariants }: CampaignReport,
): void =>
  emit({
    type: 'started',
    plan: {
      subject: revision,
      target,
      ...extent,
      rules: invariants.map(ruleOf),
      again: command,
      notes: partNotes(shard),
    },
  });

const partNotes = (shard: FuzzPlan['shard']): readonly string[] =>
  shard.of === 1 ? [] : [`part ${shardText(shard)} of the campaign`];

function tell(
  findings: readonly Finding[],
  emit: EmitReportEvent,
  placeOf: (finding: Finding) => Omit<FindingPlace, 'number'>,
): void {
  for (const [index, finding] of findings.entries())
    emit({ type: 'finding', finding: reportedFinding(finding, { number: index + 1, ...placeOf(finding) }) });
}

/** The known findings that cases showed. */
const knownIn = ({ by }: Tally, known: readonly StoredRegression[]): readonly KnownFinding[] =>
  [...by.known].flatMap(([file, cases]) => {
    const { invariant, cause, explanation } = known.find((one) => one.file === file)?.regression ?? {};
    if (invariant === undefined || cause === undefined) return [];
    return [{ rule: invariant, cause, file, cases, ...(explanation !== undefined && { explanation }) }];
  });

const summaryOf = (
  { cases, by }: Tally,
  known: readonly KnownFinding[],
  headline: readonly string[],
): ReportSummary => ({
  cases,
  exercised: Object.fromEntries(by.exercised),
  outcomes: Object.fromEntries(by.outcomes),
  notRun: Object.fromEntries(by.notRun),
  known,
  headline,
});

function idleText({ cases, by }: Tally, invariants: readonly Invariant[]): string {
  const idle = invariants.filter(({ id }) => !by.exercised.has(id)).map(({ id }) => id);
  return idle.length === 0 || cases === 0
    ? 'every invariant was exercised'
    : `not exercised by any case: ${idle.join(', ')}`;
}
