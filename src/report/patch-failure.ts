import { printable } from '../input/index.ts';
import { encodeScenario, type JsonValue } from '../scenario/index.ts';
import type { PatchFailure } from '../validate/index.ts';
import { DESCRIPTION_COLUMN, describeScenario } from './describe-scenario.ts';
import { fitted } from './wrap.ts';

/** Why a patch file cannot be judged, for people: what a rule did, and in which scenario. */
export function patchFailureText(file: string, { message, scenario }: PatchFailure): string {
  const described = describeScenario(scenario).map((line) => `  ${line}`);
  return [
    ...fitted(`✖ ${printable(`${file}: ${message}`)}`),
    '  in this scenario:',
    ...described.flatMap((line) => fitted(line, 2 + DESCRIPTION_COLUMN)),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** The same as plain data; undefined when no single rule is at fault. */
export const patchFailureToJson = ({ fault, scenario }: PatchFailure): JsonValue | undefined =>
  fault && { fault: { ...fault, scenario: encodeScenario(scenario) } };
