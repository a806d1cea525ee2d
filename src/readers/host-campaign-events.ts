import type { HostCampaignResult, HostFinding } from '../linux/index.ts';
import { sessionToJson } from '../linux/session/index.ts';
import {
  HOST_CLAUSES,
  answerLines,
  count,
  hostCampaignFigures,
  hostFindingOften,
  hostText,
  observedCall,
} from '../report/index.ts';
import type { JsonValue } from '../scenario/index.ts';
import type { EmitReportEvent, ReportPlan, ReportedFinding, Rule } from './report-event.ts';

const RULES = Object.entries(HOST_CLAUSES).map(([id, clause]): Rule => ({ id, clause, severity: 'error' }));

/** What a campaign on a real kernel is about to ask. @param host such as `Linux 6.12.1 (x86_64, …)` */
export const hostCampaignPlan = (
  host: string,
  { seed, runs, again, notes }: { seed: string; runs: number; again: string; notes: readonly string[] },
): ReportPlan => ({
  ...{ subject: 'the model of the Linux host', target: host, seed, cases: runs },
  ...{ rules: RULES, again, notes },
});

/** A finding on a real kernel as plain data. @param again the command line that shows it again */
export const reportedHostFinding = (
  finding: HostFinding,
  number: number,
  again: string | undefined,
): ReportedFinding => {
  const { rule, cause, message, session, kernel, console, isStable, file } = finding;
  return {
    ...{ number, rule, cause, severity: 'error', message, expected: HOST_CLAUSES[rule] },
    observed: observedCall(finding),
    revision: `Linux ${session.kernel}`,
    howOften: hostFindingOften(finding) + (isStable ? '' : '; not seen again when it was repeated'),
    ...(file !== undefined && { file, line: 1 }),
    ...(again !== undefined && { again }),
    scenario: {
      ...sessionToJson(session, kernel),
      ...(console.length > 0 && { console }),
    } as unknown as JsonValue,
    description: [hostText(session), ...answerLines(finding), ...console.map((line) => `| ${line}`)],
    ...{ steps: [], pictures: [] },
  };
};

/** Tells by the events of a report what a campaign on a real kernel has seen. @param planned the number of sessions */
export function hostCampaignEnds(result: HostCampaignResult, planned: number, emit: EmitReportEvent): void {
  const { sessions, findings, comparison, unanswered, notRun, failure } = result;
  const { compared, differ } = hostCampaignFigures(result);
  if (sessions < planned && failure === undefined) emit({ type: 'interrupted' });
  const calls = Object.fromEntries([...unanswered, ...comparison.reasons]);
  emit({
    type: 'summary',
    summary: {
      cases: sessions,
      exercised: { 'model-answers': compared, 'kernel-survives': compared },
      outcomes: { agree: compared - differ, differ },
      notRun: { ...calls, ...Object.fromEntries(notRun) },
      known: [],
      headline: [
        findings.length === 0
          ? `the model answers all ${compared} calls as the kernel does`
          : `found ${count(findings.length, 'counterexample')} among ${compared} calls`,
        count(sessions, 'session'),
      ],
    },
  });
}
