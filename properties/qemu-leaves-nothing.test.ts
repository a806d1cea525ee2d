import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { kernelHistories, servedHistories } from '../generators/index.ts';
import { decodeScenario, encodeScenario, toJsonLine } from '../src/scenario/index.ts';
import { QemuTarget } from '../src/qemu/index.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';
import { whyNoQemu } from './testing/why-no-qemu.ts';

/** How many scenarios run one after the other. `BARPROOF_CASES` sets another number. */
const CASES = Number(process.env['BARPROOF_CASES'] ?? 40);
/** How many QEMUs are killed at random moments, beside the chosen ones. `BARPROOF_KILLS` sets another number. */
const KILLS = Number(process.env['BARPROOF_KILLS'] ?? 0);

/** How many QEMUs are stopped at random moments. `BARPROOF_STOPS` sets another number. */
const STOPS = Number(process.env['BARPROOF_STOPS'] ?? 8);

const reasonNot = await whyNoQemu(new QemuTarget());
const skipped = reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`;

const scenario = decodeScenario({
  version: 1,
  machine: { type: 'q35', ram: '0x20000000' },
  host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
  devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
  operations: [
    { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000000' },
    ...Array.from({ length: 200 }, (_, turn) => ({
      op: turn % 2 === 0 ? 'enable-memory' : 'disable-memory',
      device: 'dev0',
    })),
  ],
});

/** The QEMUs of process `owner`: their working directory is a private directory of that process. */
function qemusOf(owner: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).includes(`/barproof-${owner}-`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Sends a signal to all QEMUs of this process. @returns how many there are. */
function signalQemus(signal: NodeJS.Signals): number {
  const sent = qemusOf(process.pid).filter((pid) => {
    try {
      return process.kill(pid, signal);
    } catch {
      // The QEMU has ended in the meantime.
      return false;
    }
  });
  return sent.length;
}

const directoriesOf = (owner: number): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`barproof-${owner}-`));

const openFiles = (): number => readdirSync('/proc/self/fd').length;

/** How many files are open between two runs. Node keeps some descriptors that it opens for the first run. */
async function openFilesAfterFirstRun(): Promise<number> {
  const first = new QemuTarget();
  await first.run(scenario);
  await first.close();
  await delay(50);
  return openFiles();
}

async function until(condition: () => boolean, milliseconds = 20_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not true after ${milliseconds} ms: ${condition}`);
    await delay(20);
  }
}

/** Scenarios served over vfio-user, and on the kernel's interface. */
const WAYS = {
  'over vfio-user': servedHistories,
  "on the kernel's interface": kernelHistories,
} as const;

describe.skipIf(reasonNot !== undefined)(`QemuTarget${skipped}`, () => {
  it.each(Object.entries(WAYS))(
    `leaves no process, directory or descriptor after ${CASES} scenarios %s`,
    async (_, histories) => {
      const run = async (target: QemuTarget, seed: number): Promise<void> => {
        for (const machine of ['pc', 'q35', 'virt', 'pseries'] as const) {
          const shape = { lanes: 1, histories: 2 };
          for (const each of fc.sample(histories(shape, machine), { seed, numRuns: CASES / 8 }).flat(2)) {
            if ((await target.whyNot(each)) === undefined) await target.run(each);
          }
        }
      };
      const before = await openFilesAfterFirstRun();
      const target = new QemuTarget({ reuse: true, contain: true });
      await run(target, 1);
      expect(qemusOf(process.pid).length).toBeLessThanOrEqual(8);
      await target.close();
      await delay(50);
      expect(qemusOf(process.pid)).toEqual([]);
      expect(directoriesOf(process.pid)).toEqual([]);
      expect(openFiles()).toBe(before);
    },
    CASES * 2000 + 30_000,
  );

  it('reports a QEMU that was killed during a run, and runs the next scenario', async () => {
    const target = new QemuTarget();
    // Long enough for the kill on a fast machine: 200 operations take less than 0.4 s there.
    const operations = Array.from({ length: 8 }, () => scenario.operations).flat();
    const running = target.run({ ...scenario, operations });
    await until(() => qemusOf(process.pid).length === 1);
    await delay(400);
    signalQemus('SIGKILL');
    const trace = await running;
    expect([trace.outcome, trace.abortSite]).toEqual(['aborted', 'sigkill']);
    expect(qemusOf(process.pid)).toEqual([]);
    expect(directoriesOf(process.pid)).toEqual([]);
    expect((await target.run({ ...scenario, operations: [] })).outcome).toBe('ok');
    await target.close();
  }, 60_000);
});

describe.skipIf(reasonNot !== undefined)(
  `QemuTarget with a QEMU that is killed again and again${skipped}`,
  () => {
    const short = { ...scenario, operations: scenario.operations.slice(0, 6) };
    /** The times of the kills after the start of a run, in milliseconds: before QEMU is up until after the run. */
    const MOMENTS = [
      ...[2, 20, 60, 90, 120, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 22, 25, 28, 31, 35, 40, 45, 50],
      ...fc.sample(fc.integer({ min: 0, max: 150 }), { seed: 9, numRuns: KILLS }),
    ];

    it(
      'runs the next scenario and leaves no process, directory or descriptor',
      async () => {
        const before = await openFilesAfterFirstRun();
        const target = new QemuTarget({ reuse: true });
        await target.inspect('q35');
        let killed = 0;
        for (const moment of MOMENTS) {
          const running = target.run(short);
          await delay(moment);
          killed += signalQemus('SIGKILL');
          expect(['ok', 'aborted']).toContain((await running).outcome);
          expect((await target.run(short)).outcome).toBe('ok');
        }
        expect(killed).toBeGreaterThan(MOMENTS.length / 2);
        await target.close();
        await delay(50);
        expect(qemusOf(process.pid)).toEqual([]);
        expect(directoriesOf(process.pid)).toEqual([]);
        expect(openFiles()).toBe(before);
      },
      120_000 + KILLS * 2_000,
    );
  },
);

describe.skipIf(reasonNot !== undefined)(`QemuTarget with a QEMU that is stopped (SIGSTOP)${skipped}`, () => {
  /** How long a stopped QEMU is waited for, in milliseconds. */
  const DEADLINE = 500;
  const short = { ...scenario, operations: scenario.operations.slice(0, 6) };
  const onKernel = { ...short.host, iommu: { type: 'type1' as const, pageSizes: [0x1000n] } };
  const scenarios = [short, { ...short, host: onKernel }];

  it(
    'says at what QEMU did not answer, runs the next scenario, and leaves no process, directory or descriptor',
    async () => {
      const impatient = new QemuTarget({ deadlineMs: DEADLINE });
      const target = new QemuTarget();
      const before = await openFilesAfterFirstRun();
      await impatient.inspect('q35');
      await target.inspect('q35');
      const moments = fc.sample(fc.integer({ min: 0, max: 150 }), { seed: 10, numRuns: STOPS });
      const places: string[] = [];
      for (const [index, moment] of moments.entries()) {
        const each = scenarios[index % scenarios.length]!;
        const running = impatient.run(each);
        await delay(moment);
        signalQemus('SIGSTOP');
        const { outcome, abortSite, error = '' } = await running;
        expect(['ok undefined', 'aborted hang']).toContain(`${outcome} ${abortSite}`);
        if (outcome === 'aborted') places.push(/^QEMU did not answer for 0\.5 s at (.+)$/.exec(error)![1]!);
        expect((await target.run(each)).outcome).toBe('ok');
      }
      // How many runs end before their stop depends on the speed of the machine.
      expect(places.length).toBeGreaterThan(0);
      // Of many, one was stopped at its start and another one later.
      if (STOPS >= 50) expect(new Set(places).size).toBeGreaterThan(1);
      await impatient.close();
      await target.close();
      await delay(50);
      expect(qemusOf(process.pid)).toEqual([]);
      expect(directoriesOf(process.pid)).toEqual([]);
      expect(openFiles()).toBe(before);
    },
    120_000 + STOPS * 5_000,
  );
});

describe.skipIf(reasonNot !== undefined)(`a program with a QemuTarget${skipped}`, () => {
  let installed: InstalledBarproof;

  beforeAll(() => {
    installed = installBarproof();
    writeFileSync(
      join(installed.folder, 'program.js'),
      `import { QemuTarget } from './dist/src/qemu/index.js';
import { decodeScenario } from './dist/src/scenario/index.js';
const [, , how, text] = process.argv;
const target = new QemuTarget({ reuse: true });
const scenario = decodeScenario(JSON.parse(text));
await target.run(scenario);
console.log('running');
if (how === 'throw') setTimeout(() => { throw new Error('uncaught'); }, 100);
if (how === 'finish') process.exitCode = 0;
else for (;;) await target.run(scenario);
`,
    );
  }, 60_000);

  afterAll(() => installed.remove());

  const children: ChildProcess[] = [];
  // A test that fails may leave its program running.
  afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

  /** Starts the program, and waits until it has run a scenario. */
  async function start(how: string): Promise<ChildProcess> {
    const text = toJsonLine(encodeScenario(scenario));
    const child = spawn(process.execPath, ['program.js', how, text], {
      cwd: installed.folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout!.once('data', () => resolve());
      child.once('exit', () => reject(new Error('the program ended early')));
    });
    return child;
  }

  const ended = (child: ChildProcess): Promise<readonly [number | null, string | null]> =>
    child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve([child.exitCode, child.signalCode])
      : new Promise((resolve) => child.once('exit', (code, signal) => resolve([code, signal])));

  async function expectNothingLeftOf({ pid }: ChildProcess): Promise<void> {
    await until(() => qemusOf(pid!).length === 0);
    expect(directoriesOf(pid!)).toEqual([]);
  }

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'leaves no QEMU and no directory when %s ends it',
    async (signal) => {
      const child = await start('loop');
      expect(qemusOf(child.pid!).length).toBeGreaterThan(0);
      child.kill(signal);
      expect(await ended(child)).toEqual([null, signal]);
      await expectNothingLeftOf(child);
    },
    60_000,
  );

  it('leaves no QEMU and no directory after an uncaught exception', async () => {
    const child = await start('throw');
    expect(await ended(child)).toEqual([1, null]);
    await expectNothingLeftOf(child);
  }, 60_000);

  it('ends without waiting for an idle QEMU, and leaves no QEMU and no directory', async () => {
    const child = await start('finish');
    expect(await ended(child)).toEqual([0, null]);
    await expectNothingLeftOf(child);
  }, 60_000);

  it('leaves no QEMU after SIGKILL, and the next program removes its directories', async () => {
    const child = await start('loop');
    child.kill('SIGKILL');
    await ended(child);
    await until(() => qemusOf(child.pid!).length === 0);
    const next = await start('finish');
    await ended(next);
    expect(directoriesOf(child.pid!)).toEqual([]);
  }, 60_000);
});
