import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeRegression, type Regression } from '../campaign/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { parseJson } from '../input/index.ts';
import { COMMON_INVARIANTS, INVARIANTS } from '../invariants/index.ts';
import { hotPlugged } from '../qemu/hot-plugged.ts';
import { runOnModel } from '../model/index.ts';
import { NEWEST, type Revision } from '../vfio/index.ts';
import { runInProcess } from './testing/run-in-process.ts';

/** A QEMU that does what the model does, and a QEMU that does not map device memory for DMA. */
const LIKE_MODEL = NEWEST;
const WITHOUT_P2P: Revision = {
  ...NEWEST,
  listener: {
    ...NEWEST.listener,
    skip: (section, context) =>
      section.region.isRamDevice ? 'no-mmio-dma-map' : NEWEST.listener.skip(section, context),
  },
};

/** What the stand-in for a real QEMU does: its version for each machine type, and the revision that it runs. */
const qemu = {
  version: (_machine: string): string => '11.1.3',
  runs: LIKE_MODEL,
  hasVfioUser: true,
};

vi.mock(import('../qemu/qemu-target.ts'), async (importOriginal) => {
  const standIn = ({ reuse = false }: { readonly reuse?: boolean }) => ({
    inspect: async (machine: string) => ({
      binary: 'qemu',
      version: qemu.version(machine),
      deviceProperties: { 'vfio-user-pci': qemu.hasVfioUser ? new Set() : undefined, 'vfio-pci': new Set() },
    }),
    whyNot: async () => undefined,
    run: async (scenario: Scenario) => ({
      ...runOnModel(reuse ? hotPlugged(scenario) : scenario, qemu.runs),
      revision: `QEMU ${qemu.version(scenario.machine.type)}`,
    }),
    close: async () => undefined,
  });
  const { QemuTarget } = await importOriginal();
  return {
    QemuTarget: function (options: object) {
      return standIn(options);
    } as unknown as typeof QemuTarget,
  };
});

vi.setConfig({ testTimeout: 60_000 });

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-target-'));
  qemu.version = () => '11.1.3';
  qemu.runs = LIKE_MODEL;
  qemu.hasVfioUser = true;
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const check = (...words: string[]) => runInProcess(['check', '--regressions', folder, ...words]);
const checkQemu = (...words: string[]) => check('--target', 'qemu', ...words);
const replay = (...words: string[]) => runInProcess(['replay', ...words]);

/** The case that a check stores of the QEMU that does not map device memory. */
async function storedCase(): Promise<{ readonly file: string; readonly regression: Regression }> {
  qemu.runs = WITHOUT_P2P;
  await checkQemu('--runs', '20');
  const [name] = readdirSync(join(folder, 'model-agrees')).filter((each) => each.startsWith('requests-'));
  const file = join(folder, 'model-agrees', name!);
  return { file, regression: decodeRegression(parseJson(readFileSync(file, 'utf8'))) };
}

describe('check --target qemu', () => {
  it('needs a QEMU with vfio-user, unless the kernel is answered', async () => {
    qemu.hasVfioUser = false;
    expect(await checkQemu('--runs', '20')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/no device vfio-user-pci\. .* or add --interface kernel/),
    });
    const { code, out } = await checkQemu('--runs', '20', '--interface', 'kernel');
    expect(out).toMatch(new RegExp(String.raw`, ${INVARIANTS.length} invariants, 20 cases, `));
    expect([0, 1]).toContain(code);
  });

  it('compares QEMU with the model, in addition to the invariants of every target', async () => {
    // Of other seeds, some cases cannot be compared: the hardware of a whole lane may end QEMU.
    const { code, out, err } = await checkQemu('--runs', '20', '--seed', 'a');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      new RegExp(
        String.raw`^barproof \S+ qemu-11\.1 on QEMU 11\.1\.3 \([^)]+\), ${INVARIANTS.length} invariants, 20 cases, `,
      ),
    );
    expect(out).not.toMatch(/model-agrees|not compared/);
    expect(out).toMatch(/\n(?:no new counterexample|every invariant holds)\n$/);
  });

  it('finds a difference from the model, shrinks it, repeats it ten times and stores it', async () => {
    qemu.runs = WITHOUT_P2P;
    const { code, out } = await checkQemu('--runs', '20');
    expect(code).toBe(1);
    expect(out).toMatch(
      /^\d {2}model-agrees \/ requests {3}\(\d+ cases, first in case \d+; shrunk in \d+ steps?; stable 10\/10\)\n\n {3}requests to dev0 of step \d: only the model has map 0x/m,
    );
    expect(out).toMatch(/^ {3}again {5}barproof replay \S+\/model-agrees\/requests-\S+ --target qemu$/m);
    expect(out).toMatch(/\nfound 2 counterexamples/);
  });

  it('stores the version of QEMU, the stability and the scenario that ran', async () => {
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
    // What ran is a variant of the scenario, in which the device is hot-plugged.
    expect(regression.scenario.operations.map(({ op }) => op)).toContain('hotplug');
  });

  it('replays stored cases of model-agrees, which check on the model leaves out', async () => {
    const { file } = await storedCase();
    // The first case of this seed shows no difference from the model.
    const again = await checkQemu('--runs', '1', '--seed', 'b');
    expect(again.code).toBe(1);
    expect(again.out).toMatch(/^1 {2}model-agrees \/ requests {3}\(a case stored for qemu-11\.1\)$/m);
    expect(again.out).toContain(`\n   again     barproof replay ${file} --target qemu\n`);
    const { code, out } = await check('--runs', '1');
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(
        new RegExp(String.raw`, ${COMMON_INVARIANTS.length} invariants, [^]*\nevery invariant holds\n$`),
      ),
    });
  });

  it('does not count cases that a developer marked as known, except with --strict', async () => {
    await storedCase();
    for (const name of readdirSync(join(folder, 'model-agrees'))) {
      const file = join(folder, 'model-agrees', name);
      writeFileSync(file, readFileSync(file, 'utf8').replace('"status": "open"', '"status": "known"'));
    }
    const { code, out } = await checkQemu('--runs', '1');
    expect(code).toBe(0);
    expect(out).toMatch(
      /\nknown: model-agrees\/requests\nknown: model-agrees\/mappings\n[^]*no new counterexample\n$/,
    );
    expect((await checkQemu('--runs', '1', '--strict')).code).toBe(1);
  });

  it('checks only model-agrees with --invariant model-agrees', async () => {
    qemu.runs = WITHOUT_P2P;
    const { code, out } = await checkQemu('--runs', '20', '--no-save', '--invariant', 'model-agrees');
    expect(code).toBe(1);
    expect(out).toMatch(/^barproof \S+ \S+ on QEMU [^,]+(, \w+)*\), model-agrees, 20 cases, /);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('--target qemu with a QEMU of another version than the model', () => {
  const REASON = 'the model describes QEMU 2.11 to 10.0 and 11.1, this is QEMU 10.2.0';

  beforeEach(() => {
    qemu.version = () => '10.2.0';
    qemu.runs = WITHOUT_P2P;
  });

  it('checks without the model, and says so once', async () => {
    const { code, out } = await checkQemu('--runs', '20');
    expect(code).toBe(0);
    expect(out).toMatch(
      new RegExp(
        String.raw`^.* on QEMU 10\.2\.0 .*, ${COMMON_INVARIANTS.length} invariants, 20 cases, .*\nnot compared with the model on pc, q35, virt, pseries: `,
      ),
    );
    expect(out.split(REASON)).toHaveLength(2);
    expect(out).not.toContain('model-agrees');
  });

  it('cannot check model-agrees', async () => {
    expect(await checkQemu('--runs', '20', '--invariant', 'model-agrees')).toEqual({
      code: 2,
      out: '',
      err: `✖ --invariant: model-agrees cannot be checked on QEMU 10.2.0 (pc, q35, virt, pseries): not compared with the model on pc, q35, virt, pseries: ${REASON}\n`,
    });
  });

  it('compares the QEMUs of other machine types with the model', async () => {
    qemu.version = (machine) => (machine === 'virt' ? '10.2.0' : '11.1.3');
    // Enough cases for every machine type: many cases share a machine and its devices.
    const { code, out } = await checkQemu('--runs', '240');
    expect(code).toBe(1);
    expect(out).toMatch(
      new RegExp(
        String.raw` on QEMU 11\.1\.3, 10\.2\.0 \(pc, q35, pseries, virt\), ${INVARIANTS.length} invariants, `,
      ),
    );
    expect(out).toContain(`\nnot compared with the model on virt: ${REASON}\n`);
    expect(out).toMatch(/\nnot compared with the model: [1-9]\d* cases?\n/);
  });

  it('replays and runs without the model, and says so for each case', async () => {
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

describe('replay and run with --target qemu', () => {
  it('show a difference from the model, or that there is none', async () => {
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
    qemu.runs = LIKE_MODEL;
    expect(await replay(file, '--target', 'qemu')).toEqual({
      code: 0,
      out: `+ ${file}: every invariant holds on QEMU 11.1.3\n`,
      err: '',
    });
  });

  it('replay on the model says that the file records a run of QEMU', async () => {
    const { file } = await storedCase();
    expect(await replay(file)).toEqual({
      code: 0,
      out: `+ ${file}: every invariant holds on qemu-11.1; the file records a run of QEMU 11.1.3 (pc, q35, virt, pseries)\n`,
      err: '',
    });
  });
});

describe('without --target qemu', () => {
  it('check refuses --invariant model-agrees, and names --target qemu', async () => {
    expect(await check('--invariant', 'model-agrees')).toEqual({
      code: 2,
      out: '',
      err: '✖ --invariant: model-agrees can be checked only on a real VMM, with check or fuzz --target qemu\n',
    });
  });

  it('list invariants says that model-agrees needs a real VMM', async () => {
    const { out } = await runInProcess(['list', 'invariants']);
    expect(out).toMatch(/^model-agrees +\(needs a real VMM: --target qemu\) a real QEMU /m);
    expect(out.match(/needs a real VMM/g)).toHaveLength(1);
  });
});
