import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../input/index.ts';
import { decodeRegression, formatRegression, looksLikeRegression } from './regression.ts';

const SCENARIO = {
  version: 1,
  machine: { type: 'generic', ram: '0x10000000' },
  host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
  devices: [],
};

/** A regression with only the required keys. */
const LEAST = {
  schema: 1,
  title: 'a case',
  status: 'expected',
  expected: 'something',
  observed: { outcome: 'ok', violations: [] },
  failsOn: [],
  provenance: { source: 'a test' },
  scenario: SCENARIO,
};

const FULL = {
  ...LEAST,
  invariant: 'map-aligned',
  cause: 'a-cause',
  status: 'known',
  observed: { outcome: 'aborted', violations: ['map-aligned/a-cause'], dma: ['0 map 0x0 0x1000 errno 22'] },
  failsOn: ['seed-v2', 'qemu-11.1'],
  explanation: 'because',
  provenance: { source: 'a search', seed: -2147483648, path: '1:2', version: '0.1.0', date: '2026-01-02' },
};

const problemsOf = (value: unknown): InvalidInput['problems'] => {
  try {
    decodeRegression(value);
  } catch (error) {
    if (error instanceof InvalidInput) return error.problems;
    throw error;
  }
  return [];
};

const pathsOf = (value: unknown): string[] => problemsOf(value).map(({ path }) => path);

describe('decodeRegression', () => {
  it('reads a regression with only the required keys, and one with all keys', () => {
    expect(decodeRegression(LEAST)).not.toHaveProperty('invariant');
    const { scenario, ...rest } = decodeRegression(FULL);
    const { scenario: _, ...expected } = FULL;
    expect(rest).toEqual(expected);
    expect(scenario.machine.ram).toBe(0x1000_0000n);
  });

  it.each(['schema', 'title', 'status', 'expected', 'observed', 'failsOn', 'provenance', 'scenario'])(
    'requires %s',
    (key) => {
      expect(pathsOf({ ...LEAST, [key]: undefined })).toContain(key);
    },
  );

  it.each([
    ['schema', { schema: 2 }],
    ['schema', { schema: '1' }],
    ['invariant', { invariant: 'map-aligne' }],
    ['cause', { cause: '' }],
    ['title', { title: 'x'.repeat(10_001) }],
    ['title', { title: null }],
    ['status', { status: 'done' }],
    ['observed.outcome', { observed: { outcome: 'fine', violations: [] } }],
    ['observed.violations', { observed: { outcome: 'ok' } }],
    ['observed.violations[1]', { observed: { outcome: 'ok', violations: ['a/b', 7] } }],
    ['observed.dma[0]', { observed: { outcome: 'ok', violations: [], dma: [null] } }],
    ['observed.events', { observed: { outcome: 'ok', violations: [], events: [] } }],
    ['failsOn', { failsOn: 'seed-v2' }],
    ['failsOn[0]', { failsOn: [1] }],
    ['explanation', { explanation: ['because'] }],
    ['provenance.source', { provenance: {} }],
    ['provenance.seed', { provenance: { source: 's', seed: 2 ** 31 } }],
    ['provenance.seed', { provenance: { source: 's', seed: 0.5 } }],
    ['provenance.host', { provenance: { source: 's', host: 'my laptop' } }],
    ['scenario.machine.ram', { scenario: { ...SCENARIO, machine: { type: 'generic' } } }],
    ['scenario.operations[0]', { scenario: { ...SCENARIO, operations: [{ op: 'commit' }] } }],
    ['comment', { comment: 'a key that is not known' }],
  ])('reports a problem at %s for %o', (path, change) => {
    expect(pathsOf({ ...LEAST, ...change })).toEqual([path]);
  });

  it("reports all problems at once, the scenario's among them", () => {
    const wrong = {
      ...LEAST,
      schema: 3,
      status: 'opne',
      failsOn: [1, 2],
      provenance: { sorce: 'a test' },
      scenario: { ...SCENARIO, devices: [{ id: 'dev0', bars: [{ index: 9, size: 0, type: 'mem' }] }] },
    };
    expect(pathsOf(wrong)).toEqual([
      'schema',
      'status',
      'failsOn[0]',
      'failsOn[1]',
      'provenance.sorce',
      'provenance.source',
      'scenario.devices[0].bars[0].index',
      'scenario.devices[0].bars[0].size',
      'scenario.devices[0].bars[0].type',
    ]);
  });

  it('suggests the nearest known key or word', () => {
    const [key] = problemsOf({ ...LEAST, titel: 'x' });
    expect(key).toEqual({ path: 'titel', message: 'unknown key; did you mean title?' });
    const [status] = problemsOf({ ...LEAST, status: 'opne' });
    expect(status!.message).toMatch(/did you mean open\?$/);
  });

  it.each([null, undefined, true, 7, 'text', [], [LEAST]])('refuses %o', (value) => {
    expect(pathsOf(value)).toContain('');
  });

  it('refuses keys of Object.prototype, such as __proto__', () => {
    const text = JSON.stringify(LEAST);
    const value: unknown = JSON.parse(`${text.slice(0, -1)}, "__proto__": { "schema": 7 }, "toString": 1 }`);
    expect(pathsOf(value)).toEqual(['__proto__', 'toString']);
  });
});

describe('formatRegression', () => {
  it.each([
    ['only the required keys', LEAST],
    ['all keys', FULL],
  ])('writes a regression with %s so that decodeRegression gives the same', (_, value) => {
    const regression = decodeRegression(value);
    const text = formatRegression(regression);
    expect(decodeRegression(JSON.parse(text))).toEqual(regression);
    expect(formatRegression(decodeRegression(JSON.parse(text)))).toBe(text);
  });

  it('writes the same text for any order of the keys', () => {
    const shuffled = Object.fromEntries(Object.entries(FULL).toReversed());
    expect(formatRegression(decodeRegression(shuffled))).toBe(formatRegression(decodeRegression(FULL)));
  });

  it('writes an object or array on one line if the line is short enough', () => {
    expect(formatRegression(decodeRegression(FULL))).toMatchInlineSnapshot(`
      "{
        "schema": 1,
        "invariant": "map-aligned",
        "cause": "a-cause",
        "title": "a case",
        "status": "known",
        "expected": "something",
        "observed": {
          "outcome": "aborted",
          "violations": ["map-aligned/a-cause"],
          "dma": ["0 map 0x0 0x1000 errno 22"]
        },
        "failsOn": ["seed-v2", "qemu-11.1"],
        "explanation": "because",
        "provenance": {
          "source": "a search",
          "seed": -2147483648,
          "path": "1:2",
          "version": "0.1.0",
          "date": "2026-01-02"
        },
        "scenario": {
          "version": 1,
          "machine": {
            "type": "generic",
            "msixEmulation": "machine-default",
            "ram": "0x10000000",
            "hostPageSize": "0x1000",
            "guestPageSize": "0x1000"
          },
          "revision": "qemu-11.1",
          "host": { "kernel": "msix-mappable", "iommu": { "type": "type1", "pageSizes": ["0x1000"] } },
          "devices": [],
          "operations": []
        }
      }
      "
    `);
  });
});

describe('looksLikeRegression', () => {
  it('is true for a regression and false for a bare scenario', () => {
    expect(looksLikeRegression(LEAST)).toBe(true);
    expect(looksLikeRegression({ scenario: null })).toBe(true);
    for (const value of [SCENARIO, {}, [], ['scenario'], 'scenario', null, undefined, 1]) {
      expect(looksLikeRegression(value)).toBe(false);
    }
  });
});
