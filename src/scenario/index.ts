/** Scenarios: their parts, their JSON form, and the checks of a scenario that a user wrote. */
export { checkScenario } from './check-scenario.ts';
export { decodeDevice, decodeScenario, readScenario } from './decode-scenario.ts';
export { encodeScenario, toJsonLine, toJsonText, type JsonValue } from './format.ts';
export { ScenarioDecoder } from './scenario-decoder.ts';
export * from './scenario.ts';
