import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeScenario } from '../scenario/index.ts';
import { InvalidInput } from '../input/index.ts';
import { RegressionStore } from './regression-store.ts';
import { formatRegression, type Regression } from './regression.ts';

const regression = (ram: string, rest: Partial<Regression> = {}): Regression => ({
  schema: 1,
  invariant: 'no-abort',
  cause: 'a-cause',
  title: 'a case',
  status: 'open',
  expected: 'nothing',
  observed: { outcome: 'ok', violations: [] },
  failsOn: ['qemu-11.1'],
  provenance: { source: 'a test' },
  scenario: decodeScenario({
    version: 1,
    machine: { type: 'generic', ram },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
    devices: [],
  }),
  ...rest,
});

let root: string;
let folder: string;
let store: RegressionStore;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'barproof-store-'));
  folder = join(root, 'regressions');
  store = new RegressionStore(folder);
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

const put = (file: string, text: string): void => {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), text);
};

const problemsOf = (act: () => unknown): InvalidInput['problems'] => {
  try {
    act();
  } catch (error) {
    if (error instanceof InvalidInput) return error.problems;
    throw error;
  }
  return [];
};

describe('RegressionStore.load', () => {
  it('gives no cases where there is no folder, and creates no folder', () => {
    expect(store.load()).toEqual([]);
    expect(readdirSync(root)).toEqual([]);
  });

  it('gives the cases of the folder and its subfolders, sorted by file name', () => {
    for (const [index, file] of ['z.json', 'b/y.json', 'a/b/c.json', 'B.json'].entries()) {
      put(file, formatRegression(regression('0x10000000', { title: `case ${index}` })));
    }
    expect(store.load().map(({ file }) => file)).toEqual(['B.json', 'a/b/c.json', 'b/y.json', 'z.json']);
    expect(store.load()[0]!.regression.title).toBe('case 3');
  });

  it('ignores files that are no cases: notes, recordings, temporary files of a crash', () => {
    put('no-abort/a.json', formatRegression(regression('0x10000000')));
    put('README.md', '# no JSON');
    put('recordings/pc.ndjson', '{}\n{}\n');
    put('no-abort/b.json.4711.tmp', '{ "schema": 1, "inv');
    expect(store.load().map(({ file }) => file)).toEqual(['no-abort/a.json']);
  });

  it('names the file and the path of every problem', () => {
    put('no-abort/a.json', '{ "schema": 2, "title": "x" }');
    const paths = problemsOf(() => store.load()).map(({ path }) => path);
    expect(paths).toContain(`${join(folder, 'no-abort/a.json')}: schema`);
    expect(paths.every((path) => path.includes('no-abort/a.json'))).toBe(true);
    expect(paths.length).toBeGreaterThan(3);
  });

  it('names a file that is not JSON', () => {
    put('a.json', '{');
    expect(problemsOf(() => store.load())).toEqual([
      { path: join(folder, 'a.json'), message: expect.stringContaining('this is not JSON') },
    ]);
  });

  it('refuses a named pipe at once, and does not wait for a writer', () => {
    mkdirSync(folder, { recursive: true });
    execFileSync('mkfifo', [join(folder, 'a.json')]);
    expect(problemsOf(() => store.load())[0]!.message).toBe('this is not a regular file');
  });

  it('refuses a folder whose name ends with .json', () => {
    mkdirSync(join(folder, 'a.json'), { recursive: true });
    expect(problemsOf(() => store.load())[0]!.message).toBe('this is a directory, not a file');
  });

  it('names every file that is not a regression, not only the first', () => {
    put('a.json', '{');
    put('b.json', '[]');
    const paths = problemsOf(() => store.load()).map(({ path }) => path);
    expect(paths.some((path) => path.includes('a.json'))).toBe(true);
    expect(paths.some((path) => path.includes('b.json'))).toBe(true);
  });

  it('passes over JSON of other programs if the caller wants to hear of it, but not over a broken case', () => {
    put('no-abort/a.json', formatRegression(regression('0x10000000')));
    put('package.json', '{ "name": "other" }');
    const passedOver: string[] = [];
    const store = new RegressionStore(folder);
    expect(store.load((path) => passedOver.push(path)).map(({ file }) => file)).toEqual(['no-abort/a.json']);
    expect(passedOver).toEqual([join(folder, 'package.json')]);
    put('b.json', '{ "scenario": {} }');
    const paths = problemsOf(() => store.load(() => undefined)).map(({ path }) => path);
    expect(paths.every((path) => path.includes('b.json'))).toBe(true);
  });

  it('refuses a file in place of the folder', () => {
    writeFileSync(folder, '');
    expect(problemsOf(() => store.load())).toEqual([
      { path: folder, message: 'this is not a folder of regression files (ENOTDIR)' },
    ]);
  });
});

describe('RegressionStore.save', () => {
  it('writes a case to INVARIANT/CAUSE-DIGEST.json', () => {
    const file = store.save(regression('0x10000000'));
    expect(file).toMatch(/^no-abort\/a-cause-[0-9a-f]{8}\.json$/);
    expect(store.load()).toEqual([{ file, regression: regression('0x10000000') }]);
  });

  it('gives equal scenarios the same file name, and other scenarios another', () => {
    const file = store.save(regression('0x10000000'));
    expect(store.save(regression('0x10000000', { title: 'found again' }))).toBe(file);
    expect(store.save(regression('0x20000000'))).not.toBe(file);
  });

  it('does not rewrite an existing file', () => {
    const file = store.save(regression('0x10000000'));
    store.save(regression('0x10000000', { title: 'found again', provenance: { source: 'later' } }));
    expect(store.load()).toEqual([{ file, regression: regression('0x10000000') }]);
  });

  it('leaves no temporary file behind', () => {
    store.save(regression('0x10000000'));
    expect(readdirSync(join(folder, 'no-abort'))).toHaveLength(1);
  });

  it('writes a case without an invariant to the folder "other"', () => {
    const { invariant: _, cause: __, ...bare } = regression('0x10000000');
    expect(store.save(bare)).toMatch(/^other\/other-[0-9a-f]{8}\.json$/);
  });

  it('ends the file with a newline', () => {
    const file = store.save(regression('0x10000000'));
    expect(readFileSync(join(folder, file), 'utf8').endsWith('}\n')).toBe(true);
  });

  it('names the file that it cannot write, and the error', () => {
    writeFileSync(folder, '');
    const [problem, ...others] = problemsOf(() => store.save(regression('0x10000000')));
    expect(others).toEqual([]);
    expect(problem!.path.startsWith(join(folder, 'no-abort', 'a-cause-'))).toBe(true);
    expect(problem!.message).toMatch(/^the file cannot be written \(E[A-Z]+\)$/);
  });
});

describe('RegressionStore.remove', () => {
  it('removes one case and leaves the others', () => {
    const [first, second] = ['0x10000000', '0x20000000'].map((ram) => store.save(regression(ram)));
    store.remove(first!);
    expect(store.load().map(({ file }) => file)).toEqual([second]);
  });

  it('accepts a file that does not exist', () => {
    expect(() => store.remove('no-abort/nothing.json')).not.toThrow();
  });
});
