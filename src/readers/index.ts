/** Reports of commands: one stream of events, and readers that write it as JSON, JUnit, SARIF, HTML, mail, annotations. */
export { fuzzBegins, fuzzEnds, proofBegins, proofEnds, type CampaignReport } from './campaign-events.ts';
export { checkEvents } from './check-events.ts';
export { githubAnnotations, githubSummary } from './ci/github.ts';
export { CODE_QUALITY_FILE } from './ci/gitlab.ts';
export { DOCUMENTS } from './formats.ts';
export { hostCampaignEnds, hostCampaignPlan, reportedHostFinding } from './host-campaign-events.ts';
export { comparisonEvents, hostPlan } from './host-events.ts';
export { eventLine, reportToJson } from './json.ts';
export { ReplayEvents } from './replay-events.ts';
export {
  VERDICTS,
  type EmitReportEvent,
  type ReportEvent,
  type ReportVerdict,
  type ReportingCommand,
} from './report-event.ts';
export { REPORT_FORMATS, type ReportFormat, type ReportOrder } from './report-formats.ts';
export { ReportCollector, type Report, type ReportTimes } from './report.ts';
export { verdictEvents } from './verdict-events.ts';
