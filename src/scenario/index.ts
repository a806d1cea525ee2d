/** Scenarios: what they are made of, their JSON form, and what is wrong with one that somebody wrote. */
export { checkScenario } from './check-scenario.ts';
export { decodeDevice, decodeScenario, readScenario } from './decode-scenario.ts';
export { encodeScenario, toJsonLine, toJsonText, type JsonValue } from './format.ts';
export { ScenarioDecoder } from './scenario-decoder.ts';
export * from './scenario.ts';
