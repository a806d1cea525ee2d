/** The consumers of a campaign's events, and the texts and JSON of runs, findings and verdicts. */
export { bytes } from '../address/index.ts';
export { cacheText, clearedText, type ShownBase, type ShownCache } from './cache-text.ts';
export { STOPS, byStatus, causeText } from './cause-text.ts';
export {
  announcement,
  fuzzStart,
  fuzzSummary,
  mergeText,
  proofStart,
  proofSummary,
} from './campaign-text.ts';
export { consoleReport, type ConsoleStreams } from './console-report.ts';
export { deviceMemoryText } from './device-memory.ts';
export { DESCRIPTION_COLUMN, describeOperation, describeScenario } from './describe-scenario.ts';
export { doctorText, doctorToJson, type DoctorCheck, type DoctorFindings } from './doctor-text.ts';
export { howOften, observed } from './finding-words.ts';
export { failureBlock } from './failure-block.ts';
export {
  HOST_CLAUSES,
  answerLines,
  hostCampaignFigures,
  hostCampaignStart,
  hostCampaignSummary,
  hostFindingBlock,
  hostFindingOften,
  observedCall,
} from './host-campaign-text.ts';
export { comparisonText, comparisonToJson } from './host-comparison-text.ts';
export { sessionText } from './host-session-text.ts';
export { count } from './count.ts';
export {
  deviceList,
  devicesToJson,
  invariantList,
  invariantsToJson,
  revisionList,
  ruleList,
  rulesToJson,
  revisionsToJson,
} from './list-text.ts';
export { guestMapSvg } from './guest-map/guest-map-svg.ts';
export type { GuestMap, MapBox, MapColumn, MapMark } from './guest-map/guest-map.ts';
export { MAP_STYLE_DARK, MAP_STYLE_LIGHT } from './guest-map/map-style.ts';
export { mapOfTrace } from './guest-map/map-of-trace.ts';
export { pageBoxes } from './guest-map/page-boxes.ts';
export { drawMemoryMap } from './memory-map.ts';
export { patchFailureText, patchFailureToJson } from './patch-failure.ts';
export { problemsText } from './problems-text.ts';
export { replayText } from './replay-text.ts';
export { traceToJson } from './trace-json.ts';
export { traceToText } from './trace-text.ts';
export { statisticsText } from './statistics-text.ts';
export { verdictToJson } from './verdict-json.ts';
export { table } from './table.ts';
export { headline } from './verdict-headline.ts';
export { costTable, deviceTable } from './verdict-tables.ts';
export { causeOf, mapsOf } from './verdict-example.ts';
export { answerText, callText, hostText, kernelText } from './host-session-text.ts';
export { verdictText } from './verdict-text.ts';
export { shortened } from './shortened.ts';
export { fitted, fittedText, label, labelled, lineWidth, mapWidth, setTerminalWidth, wrap } from './wrap.ts';
