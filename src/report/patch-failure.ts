import { printable } from '../input/index.ts';
import { encodeScenario, type JsonValue } from '../scenario/index.ts';
import type { PatchFailure } from '../validate/index.ts';
import { describeScenario } from './describe-scenario.ts';

/** Why a patch file cannot be judged, for people: what a rule did, and in which scenario. */
export function patchFailureText(file: string, { message, scenario }: PatchFailure): string {
  const lines = describeScenario(scenario).map((line) => `  ${line}\n`);
  return `✖ ${printable(`${file}: ${message}`)}\n  in this scenario:\n${lines.join('')}`;
}

/** The same as plain data; undefined when no single rule is at fault. */
export const patchFailureToJson = ({ fault, scenario }: PatchFailure): JsonValue | undefined =>
  fault && { fault: { ...fault, scenario: encodeScenario(scenario) } };
