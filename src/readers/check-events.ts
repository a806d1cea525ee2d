import type { CampaignListener, CampaignPlan, CampaignSummary, Finding } from '../campaign/index.ts';
import { ranCases } from '../campaign/index.ts';
import { findInvariant, type InvariantId } from '../invariants/index.ts';
import { count } from '../report/index.ts';
import { reportedFinding, ruleOf, type FindingPlace } from './finding.ts';
import { brokenText } from './headline.ts';
import type { EmitReportEvent, ReportSummary } from './report-event.ts';

/** Where the case of a finding is, and how to see it again. */
export type PlaceOf = (finding: Finding, revision: string) => Omit<FindingPlace, 'number'>;

/** A listener that turns the events of a campaign into those of a report. */
export const checkEvents =
  (emit: EmitReportEvent, placeOf: PlaceOf): CampaignListener =>
  (event) => {
    switch (event.type) {
      case 'started':
        emit({ type: 'started', plan: planOf(event.plan) });
        break;
      case 'progress':
        emit({ type: 'progress', cases: event.cases, of: event.runs, findings: event.findings });
        break;
      case 'finding': {
        const { finding, number, revision } = event;
        const place = { number, ...placeOf(finding, revision) };
        emit({ type: 'finding', finding: reportedFinding(finding, place) });
        break;
      }
      case 'finished':
        if (event.summary.cases < event.summary.plan.runs) emit({ type: 'interrupted' });
        emit({ type: 'summary', summary: summaryOf(event.summary) });
        break;
      default:
        break;
    }
  };

const planOf = ({ revision, target, seed, runs, invariants, command, notes = [] }: CampaignPlan) => ({
  subject: revision,
  target,
  seed,
  cases: runs,
  rules: invariants.map((id) => ruleOf(findInvariant(id as InvariantId))),
  again: command,
  notes,
});

const summaryOf = (summary: CampaignSummary): ReportSummary => ({
  cases: summary.cases,
  exercised: Object.fromEntries(summary.exercised),
  outcomes: Object.fromEntries(summary.outcomes),
  notRun: Object.fromEntries(summary.notRun),
  known: summary.known.map(({ invariant, cause, known, cases, explanation }) => ({
    rule: invariant,
    cause,
    file: known!,
    cases,
    ...(explanation !== undefined && { explanation }),
  })),
  headline: headlineOf(summary),
});

function headlineOf(summary: CampaignSummary): readonly string[] {
  const { plan, findings, known, cases, exercised } = summary;
  const verdict = brokenText(plan.revision, findings, known.length);
  const idle = [...exercised].filter(([, times]) => times === 0).map(([id]) => id);
  const left = cases < plan.runs ? ` of ${plan.runs}, interrupted` : '';
  return [
    ranCases(summary) === 0 ? 'no case ran: there is no result' : verdict,
    `${count(cases, 'case')}${left} on ${plan.target}, seed ${plan.seed}, ${count(plan.invariants.length, 'invariant')}`,
    idle.length === 0 || cases === 0
      ? 'every invariant was exercised'
      : `not exercised by any case: ${idle.join(', ')}`,
  ];
}
