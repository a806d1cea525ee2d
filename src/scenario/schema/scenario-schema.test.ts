import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../../../generators/index.ts';
import { InvalidInput } from '../../input/index.ts';
import { decodeScenario } from '../decode-scenario.ts';
import { encodeScenario, toJsonLine } from '../format.ts';
import { hexRange } from './number-patterns.ts';
import { SCENARIO_SCHEMA } from './scenario-schema.ts';

const accepts = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(SCENARIO_SCHEMA);

/** What the decoder says of a value that is wrong by itself. What fields do wrong together, a schema does not see. */
const BY_ITSELF =
  /^unknown key|more unknown keys$|^expected (?:a hex string|an integer|one of|a string|text|true or false|an object|an array|at most|at least one|a power of two|0x100 or|a multiple of 8|Linux|1,)/;

/** The problems that the decoder has with parsed JSON. */
function problemsOf(value: unknown): readonly string[] {
  try {
    decodeScenario(value);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return error.problems.map(({ message }) => message);
  }
}

/** Values at which readers of JSON go wrong. */
const ODD: readonly unknown[] = [
  ...[null, true, false, '', 'x', -1, 0, 1, 1.5, 7, 8, 300, 4096, 2 ** 31, 2 ** 32, 2 ** 53, 1e300],
  ...['0x', '0x0', '0x1', '0x8', '0xFFF', '0x1000', '0x3000', '0x00000000000000001000', '0xffffffffffffffff'],
  ...['0x10000000000000000', '0x10000000000000001', '4.7', '4.8', '4.08', '6.12', '10.300', '04.9', '3.19'],
  ...[[], {}, [null], 'q35', 'pc', 'type1', 'mem64', 'D0', 'reset', 'commit', '\u202e', 'a'.repeat(201)],
];

/** Every place of a JSON value, as the keys that lead to it. */
function placesIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, field]) => placesIn(field, [...path, key]))];
}

/** The value with one place replaced, or removed where the new value is `undefined`. */
function changed(value: unknown, [key, ...rest]: readonly string[], change: unknown): unknown {
  if (key === undefined) return change;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  if (rest.length === 0 && change === undefined) {
    if (Array.isArray(copy)) copy.splice(Number(key), 1);
    else delete copy[key];
  } else copy[key] = changed(copy[key], rest, change);
  return copy;
}

const json = fc
  .boolean()
  .chain((realistic) => scenarios({ realistic }))
  .map((scenario) => JSON.parse(toJsonLine(encodeScenario(scenario))) as unknown);

describe('the schema of scenarios', () => {
  it('accepts every generated scenario', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(accepts(value), JSON.stringify(accepts.errors)).toBe(true);
        expect(problemsOf(value)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  const counts = { accepted: 0, refused: 0 };
  it('agrees with the decoder on each single field of a damaged scenario', () => {
    const damaged = fc.tuple(
      json,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.constantFrom(undefined, ...ODD),
      fc.nat(7),
    );
    fc.assert(
      fc.property(damaged, ([value, at, change, key]) => {
        const places = placesIn(value);
        const place = places[Math.floor(at * places.length)]!;
        const wrong = changed(value, key === 0 ? [...place, 'unheardOf'] : place, change);
        const problems = problemsOf(wrong);
        if (accepts(wrong)) {
          counts.accepted++;
          expect(problems.filter((message) => BY_ITSELF.test(message))).toEqual([]);
        } else {
          counts.refused++;
          expect(problems, JSON.stringify(accepts.errors)).not.toEqual([]);
        }
      }),
      { numRuns: 3000 },
    );
    expect(counts.accepted).toBeGreaterThan(50);
    expect(counts.refused).toBeGreaterThan(1000);
  });
});

describe('hexRange', () => {
  it('accepts exactly the hex strings of the range, with leading zeros and letters of both cases', () => {
    const bound = fc.bigInt({ min: 0n, max: 1n << 64n });
    fc.assert(
      fc.property(bound, bound, bound, fc.nat(3), (a, b, other, zeros) => {
        const [least, most] = a < b ? [a, b] : [b, a];
        const pattern = new RegExp(hexRange(least, most));
        for (const value of [least, most, least - 1n, most + 1n, other, (least + most) / 2n]) {
          if (value < 0n) continue;
          const text = `0x${'0'.repeat(zeros)}${value.toString(16)}`;
          const isInside = least <= value && value <= most;
          expect([text, pattern.test(text)]).toEqual([text, isInside]);
          expect(pattern.test(`0x${value.toString(16).toUpperCase()}`)).toBe(isInside);
        }
      }),
      { numRuns: 500 },
    );
  });
});
