import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeRegression, type Regression } from '../campaign/index.ts';
import { parseJson, type Scenario } from '../scenario/index.ts';
import { hotPlugged } from '../target/qemu/hot-plugged.ts';
import { runOnModel } from '../target/model/model-target.ts';
import { NEWEST, type Revision } from '../vfio/index.ts';
import { runInProcess } from './testing/run-in-process.ts';

/** A QEMU like the model, and one that leaves device memory alone. */
const FAITHFUL = NEWEST;
const OTHERWISE: Revision = {
  ...NEWEST,
  listener: { ...NEWEST.listener, mapsDeviceMemory: () => false },
};

/** What stands in for the real program: its version, by machine where they are not the same, and what it does. */
const qemu = {
  version: (_machine: string): string => '11.1.3',
  does: FAITHFUL,
};

vi.mock(import('../target/qemu/index.ts'), async (importOriginal) => {
  const original = await importOriginal();
  const standIn = ({ reuse = false }: { readonly reuse?: boolean }) => ({
    inspect: async (machine: string) => ({ version: qemu.version(machine) }),
    whyNot: async () => undefined,
    run: async (scenario: Scenario) => ({
      ...runOnModel(reuse ? hotPlugged(scenario) : scenario, qemu.does),
      revision: `QEMU ${qemu.version(scenario.machine.type)}`,
    }),
    close: async () => undefined,
  });
  return {
    ...original,
    QemuTarget: function (options: object) {
      return standIn(options);
    } as unknown as typeof original.QemuTarget,
  };
});

vi.setConfig({ testTimeout: 30_000 });

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-held-'));
  qemu.version = () => '11.1.3';
  qemu.does = FAITHFUL;
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const check = (...words: string[]) => runInProcess(['check', '--regressions', folder, ...words]);
const checkQemu = (...words: string[]) => check('--target', 'qemu', ...words);
const replay = (...words: string[]) => runInProcess(['replay', ...words]);

/** The case that a check has stored of a QEMU that does otherwise. */
async function storedCase(): Promise<{ readonly file: string; readonly regression: Regression }> {
  qemu.does = OTHERWISE;
  await checkQemu('--runs', '20');
  const [name] = readdirSync(join(folder, 'model-agrees')).filter((each) => each.startsWith('requests-'));
  const file = join(folder, 'model-agrees', name!);
  return { file, regression: decodeRegression(parseJson(readFileSync(file, 'utf8'))) };
}

describe('check --target qemu', () => {
  it('holds a QEMU to the model, beside the invariants that every target is checked for', async () => {
    const { code, out, err } = await checkQemu('--runs', '20');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^barproof \S+ qemu-11\.1 on QEMU 11\.1\.3 \([^)]+\), 17 invariants, 20 cases, /);
    expect(out).not.toMatch(/model-agrees|not compared/);
    expect(out).toMatch(/\nholds\n$/);
  });

  it('finds what a QEMU does otherwise, makes it small, runs it ten times more, and keeps it', async () => {
    qemu.does = OTHERWISE;
    const { code, out } = await checkQemu('--runs', '20');
    expect(code).toBe(1);
    expect(out).toMatch(
      /^\d {2}model-agrees \/ requests {3}\(\d+ cases, first at \d+; shrunk in \d+ steps; stable 10\/10\)\n\n {3}requests to dev0 of step \d: only the model has map 0x/m,
    );
    expect(out).toMatch(/^ {3}again {5}barproof replay \S+\/model-agrees\/requests-\S+ --target qemu$/m);
    expect(out).toMatch(/\ndoes not hold: 2 counterexamples/);
  });

  it('stores what it takes to see it again', async () => {
    const { regression } = await storedCase();
    expect(regression).toMatchObject({
      invariant: 'model-agrees',
      cause: 'requests',
      status: 'open',
      failsOn: ['qemu-11.1'],
      observed: {
        outcome: 'ok',
        violations: ['model-agrees/requests', 'model-agrees/mappings'],
        target: 'QEMU 11.1.3 (pc, q35, virt, pseries)',
        stability: 'stable 10/10',
      },
      scenario: { revision: 'qemu-11.1' },
    });
    // Of a variant, in which the device is plugged in: that is what was carried out.
    expect(regression.scenario.operations.map(({ op }) => op)).toContain('hotplug');
  });

  it('replays what is stored, on a real QEMU alone', async () => {
    const { file } = await storedCase();
    const again = await checkQemu('--runs', '0');
    expect(again.code).toBe(1);
    expect(again.out).toMatch(/^1 {2}model-agrees \/ requests {3}\(a case stored for qemu-11\.1\)$/m);
    expect(again.out).toContain(`\n   again     barproof replay ${file} --target qemu\n`);
    const { code, out } = await check('--runs', '0');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/, 16 invariants, .*\n\nholds\n$/) });
  });

  it('does not count what somebody has looked at and marked as known', async () => {
    await storedCase();
    for (const name of readdirSync(join(folder, 'model-agrees'))) {
      const file = join(folder, 'model-agrees', name);
      writeFileSync(file, readFileSync(file, 'utf8').replace('"status": "open"', '"status": "known"'));
    }
    const { code, out } = await checkQemu('--runs', '0');
    expect(code).toBe(0);
    expect(out).toMatch(/\nknown: model-agrees\/requests, model-agrees\/mappings\nholds\n$/);
    expect((await checkQemu('--runs', '0', '--strict')).code).toBe(1);
  });

  it('checks it alone', async () => {
    qemu.does = OTHERWISE;
    const { code, out } = await checkQemu('--runs', '20', '--no-save', '--invariant', 'model-agrees');
    expect(code).toBe(1);
    expect(out).toMatch(/^barproof \S+ \S+ on QEMU [^,]+(, \w+)*\), model-agrees, 20 cases, /);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a QEMU of another version than the model', () => {
  const REASON = 'the model is of 11.1, this is QEMU 10.2.0';

  beforeEach(() => {
    qemu.version = () => '10.2.0';
    qemu.does = OTHERWISE;
  });

  it('is checked without the model, which is said once', async () => {
    const { code, out } = await checkQemu('--runs', '20');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^.* on QEMU 10\.2\.0 .*, 16 invariants, 20 cases, .*\nnot compared with the model on pc, q35, virt, pseries: /,
    );
    expect(out.split(REASON)).toHaveLength(2);
    expect(out).not.toContain('model-agrees');
  });

  it('cannot be checked for that alone', async () => {
    expect(await checkQemu('--runs', '20', '--invariant', 'model-agrees')).toEqual({
      code: 2,
      out: '',
      err: `✖ --invariant: model-agrees cannot be checked: not compared with the model on pc, q35, virt, pseries: ${REASON}\n`,
    });
  });

  it('is told from others beside it', async () => {
    qemu.version = (machine) => (machine === 'virt' ? '10.2.0' : '11.1.3');
    // A few devices have many cases: enough of them for every machine to come up.
    const { code, out } = await checkQemu('--runs', '240');
    expect(code).toBe(1);
    expect(out).toMatch(/ on QEMU 11\.1\.3, 10\.2\.0 \(pc, q35, pseries, virt\), 17 invariants, /);
    expect(out).toContain(`\nnot compared with the model on virt: ${REASON}\n`);
    expect(out).toMatch(/\nnot compared with the model: [1-9]\d* cases?\n/);
  });

  it('is replayed and run without the model, which is said of each', async () => {
    qemu.version = () => '11.1.3';
    const { file } = await storedCase();
    qemu.version = () => '10.2.0';
    expect(await replay(file, '--target', 'qemu')).toEqual({
      code: 0,
      out: `+ ${file}: every invariant holds on QEMU 10.2.0, not compared with the model: ${REASON}\n`,
      err: '',
    });
    const run = (...words: string[]) => runInProcess(['run', file, '--target', 'qemu', ...words]);
    expect((await run()).out).toContain(`\nevery invariant holds, not compared with the model: ${REASON}\n`);
    expect(JSON.parse((await run('--json')).out)).toMatchObject({ notCompared: REASON, violations: [] });
  });
});

describe('replay and run --target qemu', () => {
  it('show again what a QEMU does otherwise, or say that it does not', async () => {
    const { file } = await storedCase();
    const { code, out } = await replay(file, '--target', 'qemu');
    expect(code).toBe(1);
    expect(out).toMatch(
      /: breaks model-agrees\/requests, model-agrees\/mappings on QEMU 11\.1\.3\n\n1 {2}model-agrees \/ requests\n/,
    );
    const run = await runInProcess(['run', file, '--target', 'qemu', '--json']);
    expect(JSON.parse(run.out)).toMatchObject({
      violations: [{ invariant: 'model-agrees', step: expect.any(Number) }, { invariant: 'model-agrees' }],
    });
    qemu.does = FAITHFUL;
    expect(await replay(file, '--target', 'qemu')).toEqual({
      code: 0,
      out: `+ ${file}: every invariant holds on QEMU 11.1.3\n`,
      err: '',
    });
  });

  it('is what it takes: the model says whose case it is, and nothing else', async () => {
    const { file } = await storedCase();
    expect(await replay(file)).toEqual({
      code: 0,
      out: `+ ${file}: every invariant holds on qemu-11.1; stored was what QEMU 11.1.3 (pc, q35, virt, pseries) does\n`,
      err: '',
    });
  });
});

describe('without a real QEMU', () => {
  it('nobody can be held to the model, and check says what it takes', async () => {
    expect(await check('--invariant', 'model-agrees')).toEqual({
      code: 2,
      out: '',
      err: '✖ --invariant: model-agrees cannot be checked: it takes a real VMM: add --target qemu\n',
    });
  });

  it('list invariants names it with what it needs', async () => {
    const { out } = await runInProcess(['list', 'invariants']);
    expect(out).toMatch(/^model-agrees +\(needs a real VMM: --target qemu\) a real QEMU /m);
    expect(out.match(/needs a real VMM/g)).toHaveLength(1);
  });
});
