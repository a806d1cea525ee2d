/** Scenarios: what they are made of, their JSON form, and what is wrong with one that somebody wrote. */
export { checkScenario } from './check-scenario.ts';
export { decodeDevice, decodeScenario, readScenario } from './decode-scenario.ts';
export { Decoder, nearestTo, printable } from '../input/decoder.ts';
export { encodeScenario, toJsonLine, toJsonText, type JsonValue } from './format.ts';
export { MAX_TEXT_BYTES, parseJson } from '../input/parse-json.ts';
export { InvalidInput, type Problem } from '../input/problem.ts';
export * from './scenario.ts';
