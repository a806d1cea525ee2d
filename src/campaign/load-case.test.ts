import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InvalidInput } from '../input/index.ts';
import { caseInputs, loadCase, parseCase } from './load-case.ts';

const SCENARIO = {
  version: 1,
  machine: { type: 'generic', ram: '0x10000000' },
  host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
  devices: [],
};
const REGRESSION = {
  schema: 1,
  title: 'a case',
  status: 'open',
  expected: 'nothing breaks',
  observed: { outcome: 'ok', violations: [] },
  failsOn: [],
  provenance: { source: 'a test' },
  scenario: SCENARIO,
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-load-'));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

describe('loadCase and parseCase', () => {
  it('read a bare scenario, and a scenario inside a regression', () => {
    expect(parseCase(JSON.stringify(SCENARIO))).not.toHaveProperty('regression');
    const { scenario, regression } = parseCase(JSON.stringify(REGRESSION));
    expect(regression?.title).toBe('a case');
    expect(scenario).toBe(regression?.scenario);
    const file = join(folder, 'a.json');
    writeFileSync(file, JSON.stringify(REGRESSION));
    expect(loadCase(file)).toEqual({ scenario, regression });
  });
});

describe('caseInputs', () => {
  const namesOf = async (files: readonly string[], lines: readonly string[] = []) => {
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(
      Readable.from([lines.join('\n')]) as typeof process.stdin,
    );
    const names: string[] = [];
    for await (const { name, isLine } of caseInputs(files)) names.push(`${isLine ? '-' : 'file'} ${name}`);
    return names;
  };

  it('names files, and the lines of standard input by their numbers, empty lines counted', async () => {
    expect(await namesOf(['a.json', '-', 'b.json'], ['{}', '', '[]'])).toEqual([
      'file a.json',
      '- line 1',
      '- line 3',
      'file b.json',
    ]);
  });

  it('reads a case only when the case is loaded', async () => {
    for await (const { load } of caseInputs([join(folder, 'nothing.json')])) {
      expect(load).toThrow(InvalidInput);
    }
  });
});
