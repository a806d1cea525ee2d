/** Consumers of a campaign's events, and the forms in which runs and findings are shown. */
export { bytes } from './bytes.ts';
export { consoleReport, type ConsoleStreams } from './console-report.ts';
export { describeOperation, describeScenario } from './describe-scenario.ts';
export { failureBlock } from './failure-block.ts';
export { drawMemoryMap } from './memory-map.ts';
export { traceToJson } from './trace-json.ts';
export { traceToText } from './trace-text.ts';
export { verdictToJson } from './verdict-json.ts';
export { verdictText } from './verdict-text.ts';
