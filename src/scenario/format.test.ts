import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { encodeScenario, toJsonLine, toJsonText } from './format.ts';
import type { Scenario } from './scenario.ts';

describe('toJsonLine', () => {
  it('writes every bigint as a hex string and every other value as JSON does', () => {
    expect(toJsonLine({ a: 0x10n, b: [1n << 64n, 3], c: null, d: 'x', e: undefined })).toBe(
      '{"a":"0x10","b":["0x10000000000000000",3],"c":null,"d":"x"}',
    );
  });
});

describe('toJsonText', () => {
  it('puts a value that fits on one line, with spaces, and ends with a newline', () => {
    expect(toJsonText({ a: [1, 2n], b: { c: 'd' } })).toBe('{ "a": [1, "0x2"], "b": { "c": "d" } }\n');
    expect(toJsonText([])).toBe('[]\n');
    expect(toJsonText({})).toBe('{}\n');
    expect(toJsonText({ a: {}, b: [[]] })).toBe('{ "a": {}, "b": [[]] }\n');
    expect(toJsonText('s')).toBe('"s"\n');
    expect(toJsonText(null)).toBe('null\n');
  });

  it('breaks up only the objects and arrays that do not fit on a line', () => {
    const long = 'x'.repeat(60);
    expect(toJsonText({ first: long, second: [long, { third: 1 }], fourth: [1, 2] })).toBe(
      [
        '{',
        `  "first": "${long}",`,
        `  "second": ["${long}", { "third": 1 }],`,
        '  "fourth": [1, 2]',
        '}',
        '',
      ].join('\n'),
    );
    expect(toJsonText([long, [long, long]])).toBe(
      ['[', `  "${long}",`, '  [', `    "${long}",`, `    "${long}"`, '  ]', ']', ''].join('\n'),
    );
  });

  it('counts 110 characters to a line, the key included', () => {
    const widest = (size: number): string => toJsonText({ key: ['y'.repeat(size)] });
    // { "key": ["…"] } has 15 characters without the text, and 13 on a line of its own after two spaces.
    expect(widest(95)).toBe(`{ "key": ["${'y'.repeat(95)}"] }\n`);
    expect(widest(96)).toBe(`{\n  "key": ["${'y'.repeat(96)}"]\n}\n`);
    expect(widest(97)).toBe(`{\n  "key": ["${'y'.repeat(97)}"]\n}\n`);
    expect(widest(98)).toBe(`{\n  "key": [\n    "${'y'.repeat(98)}"\n  ]\n}\n`);
  });

  it('leaves a string whole that is too long for any line', () => {
    expect(toJsonText('z'.repeat(300))).toBe(`"${'z'.repeat(300)}"\n`);
  });

  /** The value on a line that holds a complete value, with or without its key. */
  const valueOf = (line: string): unknown => {
    const text = line.trim().replace(/,$/, '');
    return /^"(?:[^"\\]|\\.)*": /.test(text) ? Object.values(JSON.parse(`{${text}}`))[0] : JSON.parse(text);
  };

  it('parses to the same as JSON.stringify, and has no longer line that could be broken up', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6, depthSize: 'large' }), (json) => {
        const text = toJsonText(json);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(json)));
        expect(text.endsWith('\n')).toBe(true);
        for (const line of text.split('\n')) {
          if (line.replace(/,$/, '').length <= 110) continue;
          const value = valueOf(line);
          expect(typeof value === 'object' && value !== null && Object.keys(value).length > 0).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('encodeScenario', () => {
  const scenario: Scenario = {
    version: 1,
    machine: {
      type: 'q35',
      msixEmulation: 'machine-default',
      ram: 0x2000_0000n,
      hostPageSize: 0x1000n,
      guestPageSize: 0x1000n,
    },
    revision: 'qemu-11.1',
    host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: [0x1000n] } },
    devices: [
      {
        id: 'dev0',
        name: 'dev0',
        vendor: 0,
        device: 0,
        bars: [{ index: 0, size: 0x1000n, type: 'mem32', mmap: true }],
        options: {},
      },
      {
        id: 'dev1',
        name: '0001:03:00.0',
        vendor: 0x1425,
        device: 0x5801,
        bars: [],
        msix: { vectors: 1, tableBar: 0, tableOffset: offset(0n), pbaBar: 0, pbaOffset: offset(16n) },
        options: { 'x-no-mmap': true },
      },
    ],
    operations: [{ op: 'reset' }],
  };

  it('leaves out the fields of a device that have their defaults', () => {
    expect(JSON.parse(toJsonLine(encodeScenario(scenario)))).toEqual({
      version: 1,
      machine: {
        type: 'q35',
        msixEmulation: 'machine-default',
        ram: '0x20000000',
        hostPageSize: '0x1000',
        guestPageSize: '0x1000',
      },
      revision: 'qemu-11.1',
      host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] } },
      devices: [
        { id: 'dev0', bars: [{ index: 0, size: '0x1000', type: 'mem32', mmap: true }] },
        {
          id: 'dev1',
          name: '0001:03:00.0',
          vendor: '0x1425',
          device: '0x5801',
          bars: [],
          msix: { vectors: 1, tableBar: 0, tableOffset: '0x0', pbaBar: 0, pbaOffset: '0x10' },
          options: { 'x-no-mmap': true },
        },
      ],
      operations: [{ op: 'reset' }],
    });
  });
});
