import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { QemuTarget } from '../src/qemu/index.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';
import { whyNoQemu } from './testing/why-no-qemu.ts';

const reasonNot = await whyNoQemu(new QemuTarget());
const skipped = reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`;

let installed: InstalledBarproof;
beforeAll(() => void (installed = installBarproof()), 120_000);
afterAll(() => installed.remove());

/** The temporary folder of a test: the private folders of its jobs, in which their QEMUs run, lie in it. */
let here: string;
beforeEach(() => (here = mkdtempSync(join(tmpdir(), 'fuzz-'))));
afterEach(() => rmSync(here, { recursive: true, force: true }));

function start(words: readonly string[]) {
  const child = spawn(process.execPath, [installed.main, 'fuzz', '--target', 'qemu', ...words], {
    cwd: here,
    env: { ...process.env, TMPDIR: here },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const end = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, out: text(child.stdout), err: text(child.stderr), end };
}

/** The processes that run in the temporary folder of the test. */
const processesHere = (): readonly string[] =>
  readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/cwd`).startsWith(here);
    } catch {
      // It has ended in the meantime.
      return false;
    }
  });

/** The QEMUs of the jobs: each job is a process with private folders of its own. */
const qemusOfJobs = (): ReadonlySet<string> =>
  new Set(
    processesHere().flatMap((pid) => {
      try {
        return /\/barproof-(\d+)-/.exec(readlinkSync(`/proc/${pid}/cwd`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );

const bothRun = (): boolean => qemusOfJobs().size === 2;
/** The campaign and its two jobs. */
const jobsStart = (): boolean => processesHere().length >= 3;

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 50) {
    if (waited > 30_000) throw new Error('waited 30 s');
    await delay(50);
  }
}

const privateFolders = (): readonly string[] =>
  readdirSync(here).filter((name) => name.startsWith('barproof-'));

/** What a campaign has counted, out of its only state. */
function counted(folder: string): unknown {
  const [file] = readdirSync(join(here, folder, 'states'));
  return JSON.parse(readFileSync(join(here, folder, 'states', file!), 'utf8'));
}

describe.skipIf(reasonNot !== undefined)(
  `barproof fuzz --target qemu${skipped}`,
  { timeout: 300_000 },
  () => {
    it('runs the same cases with one job, and with two in processes of their own', async () => {
      const words = ['--interface', 'kernel', '--runs', '112', '--invariant', 'map-aligned', '--corpus'];
      for (const jobs of ['1', '2']) {
        const { out, err, end } = start([...words, jobs, '--jobs', jobs]);
        expect({ code: (await end)[0], err: await err }).toEqual({ code: 0, err: '' });
        expect(await out).toMatch(
          /fuzz QEMU \d.*112 cases.*all cases of this part have run\nno counterexample\n$/s,
        );
      }
      expect(counted('2')).toEqual(counted('1'));
      expect(counted('1')).toMatchObject({ cases: 112, blocks: 2 });
      expect(privateFolders()).toEqual([]);
    });

    it('runs as many cases over vfio-user, whose lists have one set of devices', async () => {
      const { end } = start(['--runs', '20', '--invariant', 'map-aligned', '--corpus', 'v']);
      expect((await end)[0]).toBe(0);
      expect(counted('v')).toMatchObject({ cases: 20, blocks: 1 });
    });

    it('stores what it finds under the name of the QEMU, with how often it shows', async () => {
      const { out, end } = start(['--interface', 'kernel', '--runs', '96', '--strict', '--corpus', 'c']);
      expect((await end)[0]).toBe(1);
      const [, file] = /^found \S+ in case \d+:\s+(c\/findings\/qemu-\S+\.json)$/m.exec(await out)!;
      expect(JSON.parse(readFileSync(join(here, file!), 'utf8'))).toMatchObject({
        observed: { target: expect.stringMatching(/^QEMU \d/), stability: 'stable 10/10' },
        provenance: { path: expect.stringMatching(/^block 0 case \d+, shrunk after \d+ steps$/) },
      });
    });

    it.each([
      // As of Ctrl-C in a terminal, which reaches the jobs as well.
      [
        'SIGINT to all its processes',
        bothRun,
        (pid: number): boolean => process.kill(-pid, 'SIGINT'),
        [2, null],
      ],
      [
        'SIGINT while its jobs start',
        jobsStart,
        (pid: number): boolean => process.kill(-pid, 'SIGINT'),
        [2, null],
      ],
      ['SIGKILL', bothRun, (pid: number): boolean => process.kill(pid, 'SIGKILL'), [null, 'SIGKILL']],
    ] as const)('leaves no QEMU and no folder after %s', async (_, isReady, interrupt, expected) => {
      const { child, out, err, end } = start(['--jobs', '2', '--invariant', 'map-aligned']);
      await until(isReady);
      interrupt(child.pid!);
      expect(await end).toEqual(expected);
      if (expected[0] === 2) expect((await out) + (await err)).toContain('more cases are left');
      await until(() => privateFolders().length === 0);
      // The campaign itself ran here, and so did its jobs.
      await until(() => processesHere().length === 0);
    });
  },
);
