import { InvalidInput } from '../../input/index.ts';
import { decodeScenario, encodeScenario, toJsonLine, type Scenario } from '../../scenario/index.ts';
import { alternativesOf } from './alternatives.ts';
import { REMOVED, type Json } from './json-fields.ts';

/** Another value of one field, and the scenario with it. */
export interface Variation {
  readonly value: string;
  readonly scenario: Scenario;
}

/** A field of a scenario, its value, and the scenarios with other values. */
export interface VariedField {
  /** `machine.hostPageSize`, `devices[0].bars[0].size`. */
  readonly path: string;
  readonly value: string;
  readonly variations: readonly Variation[];
}

/** All fields of a scenario with other values, one field changed at a time. Values that are not valid are left out. */
export function varyFields(scenario: Scenario): readonly VariedField[] {
  const json = JSON.parse(toJsonLine(encodeScenario(scenario))) as Json;
  return alternativesOf(json)
    .map(({ path, value, others }) => ({
      path,
      value: text(value),
      variations: others.flatMap((other): Variation[] => {
        const changed = tryDecode(replaced(json, path, other));
        return changed === undefined ? [] : [{ value: text(other), scenario: changed }];
      }),
    }))
    .filter(({ variations }) => variations.length > 0);
}

const text = (value: unknown): string => {
  if (value === REMOVED) return 'left out';
  if (value === undefined) return 'not set';
  if (Array.isArray(value)) return value.map(text).join(', ');
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
};

function replaced(json: Json, path: string, value: unknown): unknown {
  const copy = structuredClone(json) as Json;
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  const last = keys.pop()!;
  let holder: Record<string, unknown> | unknown[] = copy;
  for (const key of keys) {
    const next = (holder as Record<string, unknown>)[key];
    if (typeof next !== 'object' || next === null) (holder as Record<string, unknown>)[key] = {};
    holder = (holder as Record<string, unknown>)[key] as Record<string, unknown>;
  }
  if (value !== REMOVED) (holder as Record<string, unknown>)[last] = value;
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete (holder as Record<string, unknown>)[last];
  return copy;
}

function tryDecode(json: unknown): Scenario | undefined {
  try {
    return decodeScenario(json);
  } catch (error) {
    if (error instanceof InvalidInput) return undefined;
    throw error;
  }
}
