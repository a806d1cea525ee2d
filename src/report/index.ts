/** The consumers of a campaign's events, and the texts and JSON of runs, findings and verdicts. */
export { bytes } from '../address/index.ts';
export { STOPS, byStatus, causeText } from './cause-text.ts';
export { consoleReport, type ConsoleStreams } from './console-report.ts';
export { describeOperation, describeScenario } from './describe-scenario.ts';
export { doctorText, type DoctorCheck, type DoctorFindings } from './doctor-text.ts';
export { failureBlock } from './failure-block.ts';
export { comparisonText, comparisonToJson } from './host-comparison-text.ts';
export { sessionText } from './host-session-text.ts';
export { deviceList, invariantList, revisionList } from './list-text.ts';
export { drawMemoryMap } from './memory-map.ts';
export { patchFailureText, patchFailureToJson } from './patch-failure.ts';
export { problemsText } from './problems-text.ts';
export { replayText } from './replay-text.ts';
export { traceToJson } from './trace-json.ts';
export { traceToText } from './trace-text.ts';
export { verdictToJson } from './verdict-json.ts';
export { verdictText } from './verdict-text.ts';
