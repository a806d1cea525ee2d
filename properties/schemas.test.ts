import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInProcess as barproof } from '../src/cli/testing/run-in-process.ts';
import { scenarios } from '../generators/index.ts';
import { openModel, runOnModel } from '../src/model/index.ts';
import { verdictToJson } from '../src/report/index.ts';
import { toJsonText } from '../src/scenario/index.ts';
import { judgeTargets } from '../src/validate/index.ts';
import { NEWEST, type Revision } from '../src/vfio/index.ts';
import { SCHEMAS } from '../src/readers/schemas/index.ts';
import { ROOT } from './pages/page.ts';

const FOLDER = join(ROOT, 'src/readers/schemas');

const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: false });
formats.default(ajv);
for (const schema of Object.values(SCHEMAS)) ajv.addSchema(schema);

/** What a schema has against a value. */
const complaints = (name: keyof typeof SCHEMAS, value: unknown): unknown =>
  ajv.validate(`barproof:${name}`, value) ? [] : ajv.errors;

let here: string;
const inFolder = (name: string): string => join(here, name);

beforeAll(() => {
  here = mkdtempSync(join(tmpdir(), 'barproof-schemas-'));
});
afterAll(() => rmSync(here, { recursive: true }));

describe('the schemas of the package', () => {
  // `npm run remake:pages` writes the files.
  it.each(Object.entries(SCHEMAS))('are files: %s', async (name, schema) => {
    const text = `${JSON.stringify(schema, undefined, 1)}\n`;
    await expect(text).toMatchFileSnapshot(join(FOLDER, `${name}.schema.json`));
  });

  it('are all files of the folder', () => {
    const names = Object.keys(SCHEMAS).map((name) => `${name}.schema.json`);
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
    expect(files.toSorted()).toEqual(names.toSorted());
  });

  it('accept every stored case', () => {
    const cases = readdirSync(join(ROOT, 'regressions'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.json') && !file.endsWith('.verdict.json') && !file.includes('recordings'),
    );
    expect(cases.length).toBeGreaterThan(50);
    for (const file of cases) {
      const value: unknown = JSON.parse(readFileSync(join(ROOT, 'regressions', file), 'utf8'));
      expect([file, complaints('case', value)]).toEqual([file, []]);
    }
  });
});

it('the schema of verdicts accepts one on two builds, with a flaky difference and a stable one', async () => {
  const base = openModel(NEWEST);
  const refuses: Revision = { ...NEWEST, listener: { ...NEWEST.listener, skip: () => 'ram' } };
  let turn = 0;
  const verdictOn = (shows: () => boolean) =>
    judgeTargets({
      sides: {
        base: { id: 'old', version: 'QEMU 1', target: base },
        patched: {
          id: 'new',
          version: 'QEMU 2',
          target: { ...base, run: (scenario) => runOnModel(scenario, shows() ? refuses : NEWEST) },
        },
      },
      scenarios: scenarios({ machineTypes: ['pc'], iommuTypes: ['type1'] }),
      shipped: [],
      trivial: [],
      machines: { 'vfio-user': [], kernel: [] },
      devices: [],
      seed: 'a seed',
      runs: 8,
    });
  for (const shows of [() => turn++ % 3 === 0, () => true]) {
    const value: unknown = JSON.parse(toJsonText(verdictToJson(await verdictOn(shows))));
    expect(complaints('verdict', value)).toEqual([]);
  }
});

const CASE = 'regressions/revisions/seed-v2--map-aligned.json';
const KNOWN = 'regressions/seed/cx4-64k.json';

describe('the JSON that a command prints obeys its schema:', () => {
  const print = async (...words: readonly string[]): Promise<unknown> => {
    const { out, err } = await barproof(words);
    expect(out, err).not.toBe('');
    return JSON.parse(out) as unknown;
  };

  it('check', async () => {
    const value = await print('check', '--revision', 'seed-v2', '--runs', '60', '--no-save', '--json');
    expect(complaints('report', value)).toEqual([]);
    expect(value).toMatchObject({ command: 'check', verdict: 'counterexample' });
  });

  it('replay, of good and of bad files', async () => {
    const bad = inFolder('bad.json');
    writeFileSync(bad, '{ "version": 2 }');
    const value = await print('replay', CASE, bad, '--json');
    expect(complaints('report', value)).toEqual([]);
    expect(value).toMatchObject({
      verdict: 'could-not-run',
      inputs: [{ result: 'counterexample' }, { result: 'could-not-run' }],
    });
  });

  it('validate', async () => {
    const file = inFolder('patch.mjs');
    const rule = `listener: { deviceMemoryFailure: 'reported' }`;
    writeFileSync(
      file,
      `import { definePatch } from 'barproof';\nexport default definePatch({ name: 'p', base: 'seed-v2', ${rule} });\n`,
    );
    const report = inFolder('validate.json');
    const value = await print(
      'validate',
      file,
      '--runs',
      '40',
      '--no-save',
      '--json',
      '--report',
      `json=${report}`,
    );
    expect(complaints('verdict', value)).toEqual([]);
    const told: unknown = JSON.parse(readFileSync(report, 'utf8'));
    expect(complaints('report', told)).toEqual([]);
    expect(told).toMatchObject({
      command: 'validate',
      findings: expect.arrayContaining([expect.objectContaining({ effect: 'mends' })]) as unknown,
    });
  });

  it('run', async () => {
    for (const file of [CASE, KNOWN])
      expect(complaints('run', await print('run', file, '--json'))).toEqual([]);
  });

  it.each(['invariants', 'revisions', 'devices', 'rules'])('list %s', async (name) => {
    expect(complaints('list', await print('list', name, '--json'))).toEqual([]);
  });

  it('doctor', async () => {
    expect(complaints('doctor', await print('doctor', '--json'))).toEqual([]);
  });

  it('explain', async () => {
    expect(complaints('explanation', await print('explain', CASE, '--json'))).toEqual([]);
    const line = 'vfio_container_dma_map(0x55, 0x380000001000, 0x3000, 0x7f) = -22 (Invalid argument)';
    expect(complaints('explanation', await print('explain', line, '--json'))).toEqual([]);
  });

  it('host', async () => {
    const file = inFolder('sessions.ndjson');
    const call = { call: 'map', iova: '0x10000', size: '0x1001', vaddr: 'ram+0x0', flags: 3 };
    const recorded = { id: 'mine', container: 'type1v2', calls: [{ ...call, ret: -1, errno: 75 }] };
    writeFileSync(file, `${JSON.stringify(recorded)}\n{ "container": "kvm" }\n`);
    const { out } = await barproof(['host', file, '--json']);
    for (const line of out.trim().split('\n')) expect(complaints('host', JSON.parse(line))).toEqual([]);
    expect(complaints('host', await print('host', file, '--json', '--compare'))).toEqual([]);
  });
});

describe('the schema of reports', () => {
  it('refuses a finding without its rule, an unknown key, and an unheard-of verdict', async () => {
    const { out } = await barproof(['replay', CASE, '--json']);
    const report = JSON.parse(out) as { findings: Record<string, unknown>[]; verdict: string };
    const [finding] = report.findings;
    const { rule: _, ...ruleless } = finding!;
    expect(complaints('report', { ...report, findings: [ruleless] })).not.toEqual([]);
    expect(complaints('report', { ...report, more: 1 })).not.toEqual([]);
    expect(complaints('report', { ...report, verdict: 'fine' })).not.toEqual([]);
  });
});
