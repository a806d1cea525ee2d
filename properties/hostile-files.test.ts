import fc from 'fast-check';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { scenarios } from '../generators/index.ts';
import { runInProcess as barproof } from '../src/cli/testing/run-in-process.ts';
import { encodeScenario, toJsonText } from '../src/scenario/index.ts';

let here: string;

beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), 'barproof-hostile-'));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(here, { recursive: true });
});

const put = (contents: string | Uint8Array): string => {
  const path = join(here, 'case.json');
  writeFileSync(path, contents);
  return path;
};

const COMMANDS = [
  ['run', '--json'],
  ['run'],
  ['replay'],
  ['replay', '--revision', 'qemu-2.11'],
  ['mtree', '--disabled'],
  ['mtree', '--flat'],
  ['reproduce'],
] as const;

const A_STACK = /^\s+at .+:\d+/m;

/** Runs every command on a file with these contents. Each must end with a report, print no stack and write no file. */
async function reportsCleanly(contents: string | Uint8Array): Promise<void> {
  const file = put(contents);
  for (const words of COMMANDS) {
    const { code, out, err } = await barproof([...words, file]);
    expect([0, 1, 2]).toContain(code);
    expect(out + err).not.toMatch(A_STACK);
    if (code === 2) {
      expect(out).toBe('');
      expect(err.startsWith('✖ ')).toBe(true);
    } else expect(out).not.toBe('');
    if (code === 1) expect(words[0]).toBeOneOf(['replay', 'run']);
  }
  expect(readdirSync(here)).toEqual(['case.json']);
}

const seedTexts = readdirSync(fileURLToPath(new URL('../regressions/seed', import.meta.url)))
  .filter((file) => file.endsWith('.json'))
  .map((file) => readFileSync(new URL(`../regressions/seed/${file}`, import.meta.url), 'utf8'));

const scenarioTexts = fc.oneof(
  fc.constantFrom(...seedTexts),
  scenarios().map((scenario) => toJsonText(encodeScenario(scenario))),
);

/** Values that are wrong at many places of a scenario. */
const values = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    '0x',
    '0x10000000000000000',
    '-0x1',
    '1e3',
    -1,
    0.5,
    2 ** 53,
    1e300,
  ),
  fc.constantFrom<unknown>([], {}, [[]], 'qemu-11.1', 'dev0', 'spapr-tce-v2', 'hotplug', '__proto__'),
  fc.constantFrom(
    '0x0',
    '0x1',
    '0xfff',
    '0x1000',
    '0x10000',
    '0xffffffff',
    '0x7fffffffffffffff',
    '0xffffffffffffffff',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The paths of all parts of a value. */
function placesIn(value: Json, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...path, key]))];
}

/** The value with another part at a path, or without the part. */
function changed(value: Json, [key, ...rest]: readonly string[], change: { readonly to: unknown }): Json {
  if (key === undefined) return change.to as Json;
  const copy = structuredClone(value) as { [key: string]: Json };
  if (rest.length > 0) copy[key] = changed(copy[key]!, rest, change);
  else if (change.to === undefined) delete copy[key];
  else copy[key] = change.to as Json;
  return copy;
}

const damagedTexts = fc
  .tuple(
    scenarioTexts,
    fc.array(fc.tuple(fc.nat(), fc.option(values, { nil: undefined })), { minLength: 1, maxLength: 3 }),
  )
  .map(([text, changes]) => {
    let value = JSON.parse(text) as Json;
    for (const [at, to] of changes) {
      const places = placesIn(value);
      value = changed(value, places[at % places.length]!, { to });
    }
    return JSON.stringify(value) ?? '';
  });

const SETTINGS = { seed: 20_171_215, endOnFailure: false } as const;

describe('run, replay, mtree and reproduce report cleanly on a file', () => {
  it('of any bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    await fc.assert(fc.asyncProperty(bytes, reportsCleanly), { ...SETTINGS, numRuns: 100 });
  });

  it('of any JSON', async () => {
    const json = fc.json({ maxDepth: 4 });
    await fc.assert(fc.asyncProperty(json, reportsCleanly), { ...SETTINGS, numRuns: 100 });
  });

  it('of a scenario with bytes removed or replaced', async () => {
    const damaged = fc
      .tuple(scenarioTexts, fc.nat(), fc.nat({ max: 3 }), fc.string({ unit: 'binary', maxLength: 3 }))
      .map(([text, at, length, other]) => {
        const start = at % text.length;
        return text.slice(0, start) + other + text.slice(start + length);
      });
    await fc.assert(fc.asyncProperty(damaged, reportsCleanly), { ...SETTINGS, numRuns: 100 });
  });

  it('of a scenario with wrong values', async () => {
    await fc.assert(fc.asyncProperty(damagedTexts, reportsCleanly), { ...SETTINGS, numRuns: 300 });
  });

  it('of a valid scenario', async () => {
    await fc.assert(fc.asyncProperty(scenarioTexts, reportsCleanly), { ...SETTINGS, numRuns: 80 });
  });
});

describe('run - on any lines', () => {
  it('gives one answer for each line that is not empty', async () => {
    const oneLine = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.json({ maxDepth: 2 }),
      damagedTexts,
    );
    // readline ends a line at a line feed, a carriage return, or both.
    const lines = fc.array(
      oneLine.map((text) => text.replaceAll(/[\r\n\u2028\u2029]/g, ' ')),
      { maxLength: 8 },
    );
    const property = fc.asyncProperty(lines, async (texts) => {
      const { code, out, err } = await barproof(['run', '--json', '-'], texts.join('\n'));
      const answers = out
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as object);
      expect(answers).toHaveLength(texts.filter((text) => text.trim() !== '').length);
      expect(code).toBe(answers.some((answer) => 'problems' in answer) ? 2 : 0);
      expect(err).not.toMatch(A_STACK);
    });
    await fc.assert(property, { ...SETTINGS, numRuns: 100 });
  });
});

describe('a file that is not a scenario', () => {
  const large = (size: number): string => {
    const path = put('');
    truncateSync(path, size);
    return path;
  };

  it.each<readonly [string, () => string, RegExp]>([
    ['a path below a file', () => join(put(''), 'b.json'), /cannot be read \(ENOTDIR\)/],
    [
      'a name that is too long',
      () => join(here, `${'n'.repeat(300)}.json`),
      /cannot be read \(ENAMETOOLONG\)/,
    ],
    ['a blank', () => put(' \n'), /this is not JSON/],
    ['half a file', () => put('{ "version": 1, "mach'), /this is not JSON/],
    ['two scenarios', () => put('{}\n{}\n'), /this is not JSON/],
    ['a gzip file', () => put(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])), /this is not JSON/],
    ['100,000 open brackets', () => put('['.repeat(100_000)), /this is not JSON/],
    ['3 GB', () => large(3_000_000_000), /the file has more than \d+ bytes/],
    ['8 MiB of zeros', () => large(8 * 1024 * 1024), /this is not JSON/],
    ['null', () => put('null'), /expected an object, found null/],
    ['a number', () => put('7'), /expected an object, found 7/],
    ['a string', () => put('"scenario"'), /expected an object, found "scenario"/],
    ['an empty object', () => put('{}'), /version: expected 1, which is missing/],
    [
      'half a regression',
      () => put('{ "scenario": {} }'),
      /provenance: expected an object, which is missing/,
    ],
    [
      'a scenario with an array 100,000 deep',
      () => put(`{"version":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
      /version: expected 1, found an array/,
    ],
    ['a key of 1 MB', () => put(`{"${'k'.repeat(1_000_000)}":1}`), /unknown key/],
  ])('is reported with its path: %s', async (_, make, message) => {
    const file = make();
    for (const command of ['run', 'replay', 'mtree']) {
      const { code, out, err } = await barproof([command, file]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(message);
      expect(err).not.toMatch(A_STACK);
      for (const line of err.trimEnd().split('\n')) expect(line.startsWith(`✖ ${file}: `)).toBe(true);
    }
  });

  it('is reported by check when it lies among the regressions', async () => {
    mkdirSync(join(here, 'regressions'));
    const anything = fc.oneof(fc.uint8Array({ maxLength: 100 }), damagedTexts);
    const property = fc.asyncProperty(anything, async (contents) => {
      writeFileSync(join(here, 'regressions/a.json'), contents);
      const words = ['check', '--runs', '1', '--regressions', join(here, 'regressions')];
      const { code, out, err } = await barproof(words);
      expect([0, 1, 2]).toContain(code);
      expect(err).not.toMatch(A_STACK);
      if (code === 2) expect({ out, first: err.slice(0, 2) }).toEqual({ out: '', first: '✖ ' });
    });
    await fc.assert(property, { ...SETTINGS, numRuns: 60 });
  });

  it('is reported with its first ten thousand problems', async () => {
    const bars = `[${'0,'.repeat(9999)}0]`;
    const file = put(`{"devices":[${`{"bars":${bars}},`.repeat(390)}{}]}`);
    const { code, out, err } = await barproof(['run', file]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    const lines = err.trimEnd().split('\n');
    expect(lines).toHaveLength(10_001);
    expect(lines.at(-1)).toBe(`✖ ${file}: more than 10000 problems: the rest of the input is not read`);
  });

  it('is not reported for duplicates among stand-ins of missing values', async () => {
    const wrong = {
      version: 1,
      machine: { type: 'generic', ram: '0x10000000' },
      host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
      devices: [{ bars: [] }, { bars: [] }],
    };
    const { err } = await barproof(['run', put(JSON.stringify(wrong))]);
    expect(err).not.toContain('is used twice');
  });
});
