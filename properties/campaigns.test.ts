import * as fc from 'fast-check';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { blocksOf, readPage } from './pages/page.ts';
import { untilBusyFor } from './testing/busy.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';

/** How many campaigns are killed. `BARPROOF_KILLS=200` takes an hour. */
const KILLS = Number(process.env['BARPROOF_KILLS'] ?? 2);
const LATEST_KILL = 2_000;
/** A campaign that finds, shrinks and stores all the time. */
const FUZZ = ['fuzz', '--revision', 'seed-v2', '--invariant', 'map-aligned', '--runs', '1500'];

let installed: InstalledBarproof;
beforeAll(() => void (installed = installBarproof()), 120_000);
afterAll(() => installed.remove());

let here: string;
beforeEach(() => (here = mkdtempSync(join(tmpdir(), 'campaigns-'))));
afterEach(() => rmSync(here, { recursive: true, force: true }));

/** The variables by which schedulers name parts do not reach the program, apart from those of the test. */
const environment = (variables: Record<string, string> = {}): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  ...variables,
});

function barproof(words: readonly string[], variables?: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [installed.main, ...words], {
    cwd: here,
    env: environment(variables),
    encoding: 'utf8',
  });
  // Each test has a folder of its own, and a result names it.
  return { code: status, out: stdout.replaceAll(here, '.'), err: stderr };
}

/** The names and texts of all files of a folder. */
function filesIn(folder: string): Record<string, string> {
  const directory = join(here, folder);
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8', withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.toSorted().map((file) => [file.slice(directory.length), readFileSync(file, 'utf8')]),
  );
}

/** What a campaign by itself prints and stores. Several tests compare another campaign with this one. */
let whole: { readonly result: ReturnType<typeof barproof>; readonly files: Record<string, string> };
const findingsOf = (files: Record<string, string>) =>
  Object.entries(files).filter(([file]) => file.startsWith('/findings/'));

describe('barproof fuzz', { timeout: 300_000 }, () => {
  beforeAll(() => {
    here = mkdtempSync(join(tmpdir(), 'campaigns-'));
    whole = { result: barproof([...FUZZ, '--corpus', 'corpus', '--jobs', '1']), files: filesIn('corpus') };
    rmSync(here, { recursive: true });
  });

  it('prints and stores the same bytes with one job and with three', () => {
    const result = barproof([...FUZZ, '--corpus', 'corpus', '--jobs', '3']);
    expect(result).toMatchObject({ code: 1, err: '' });
    expect(result.out).toMatch(/found [1-9]\d* counterexamples/);
    expect({ result, files: filesIn('corpus') }).toEqual(whole);
  });

  it('finds in two parts, merged in any order, what it finds in one', () => {
    barproof([...FUZZ, '--corpus', 'a'], { JOB_COMPLETION_INDEX: '0', BARPROOF_SHARDS: '2' });
    barproof([...FUZZ, '--corpus', 'b', '--shard', '2/2']);
    const merged = barproof(['merge', 'a', 'b', '--into', 'ab']);
    expect(merged).toEqual(barproof(['merge', 'b', 'a', '--into', 'ba']));
    expect(merged.out).toContain('1500 cases, parts 1/2 2/2');
    expect(filesIn('ab')).toEqual(filesIn('ba'));
    expect(findingsOf(filesIn('ab'))).toEqual(findingsOf(whole.files));
    // One part alone is not enough.
    expect(findingsOf(filesIn('b'))).not.toEqual(findingsOf(whole.files));
  });

  it(
    'killed at any moment loses no finding that it has reported, and goes on to the same end',
    async () => {
      let most = 0;
      for (const moment of fc.sample(fc.integer({ min: 0, max: LATEST_KILL }), { numRuns: KILLS })) {
        const child = spawn(process.execPath, [installed.main, ...FUZZ, '--corpus', 'cut', '--jobs', '2'], {
          cwd: here,
          env: environment(),
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        const out = text(child.stdout);
        const end = once(child, 'exit');
        // A new campaign prints its first line at once, and soon a finding; one that goes on finds little new.
        await once(child.stdout, 'data');
        if (most === 0) await once(child.stdout, 'data');
        await delay(moment);
        child.kill('SIGKILL');
        await end;
        const reported = [...(await out).matchAll(/^found \S+ .*: cut(\S+\.json)$/gm)].map(
          ([, file]) => file!,
        );
        const stored = reported.length === 0 ? {} : filesIn('cut');
        expect(Object.keys(stored)).toEqual(expect.arrayContaining(reported));
        for (const file of reported) expect(() => JSON.parse(stored[file]!) as unknown).not.toThrow();
        most = Math.max(most, reported.length);
      }
      const { code, err } = barproof([...FUZZ, '--corpus', 'cut']);
      expect({ code, err }).toEqual({ code: whole.result.code, err: '' });
      const complete = Object.entries(filesIn('cut')).filter(([file]) => file.endsWith('.json'));
      expect(Object.fromEntries(complete)).toEqual(whole.files);
      // Some of the kills came after a report.
      expect(most).toBeGreaterThan(0);
    },
    300_000 + KILLS * (LATEST_KILL + 5_000),
  );

  it('ends after Ctrl-C with a summary, and after its time', async () => {
    const endless = ['fuzz', '--invariant', 'flat-minimal', '--corpus', 'corpus'];
    const child = spawn(process.execPath, [installed.main, ...endless, '--jobs', '2'], {
      cwd: here,
      env: environment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const out = text(child.stdout);
    const end = once(child, 'exit');
    await once(child.stdout, 'data');
    await untilBusyFor(child.pid!, 2);
    child.kill('SIGINT');
    expect(await end).toEqual([2, null]);
    expect(await out).toMatch(/more cases are left.*\nno counterexample\n$/);
    const { code, out: more } = barproof([...endless, '--time', '3s', '--stats']);
    expect(code).toBe(0);
    expect(more).toMatch(/invariants exercised\n {2}flat-minimal +\d+ +\d/);
  });
});

describe('the page of campaigns', { timeout: 300_000 }, () => {
  const saved = blocksOf(readPage('properties/CAMPAIGNS.md'));
  const textOf = (name: string): string => saved.find(({ file }) => file === name)!.text;
  const npx = (): string => `npx() { shift; "${process.execPath}" "${installed.main}" "$@"; }\n`;
  const bash = (script: string, variables: Record<string, string>) =>
    spawnSync('bash', ['-c', npx() + script], { cwd: here, env: environment(variables), encoding: 'utf8' });

  it('has a script for Slurm in which each task runs its own part', () => {
    for (const id of ['1', '2']) {
      const task = { SLURM_ARRAY_TASK_ID: id, SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_COUNT: '8' };
      const { status, stdout } = bash(textOf('campaign.sbatch'), { ...task, SLURM_CPUS_PER_TASK: '2' });
      expect(status).toBe(0);
      expect(stdout).toContain(`part ${id}/8`);
      expect(stdout).toContain('cases: 1000 (');
      expect(Object.keys(filesIn(`parts/${id}/states`))).toHaveLength(1);
    }
    expect(textOf('campaign.sbatch')).toContain('#SBATCH --array=1-8');
  });

  it('has a job for Kubernetes in which each pod runs its own part', () => {
    const job = textOf('campaign.yaml');
    const [, command = ''] = /args:\n *- (.+)\n/.exec(job)!;
    const [, shards = ''] = /BARPROOF_SHARDS\n *value: "(\d+)"/.exec(job)!;
    expect(job).toContain(`completions: ${shards}\n`);
    const script = command.replace('/corpus/', `${here}/corpus/`);
    const { status, stdout } = bash(script, { JOB_COMPLETION_INDEX: '7', BARPROOF_SHARDS: shards });
    expect(status).toBe(0);
    expect(stdout).toContain('part 8/8');
    expect(Object.keys(filesIn('corpus/7/states'))).toHaveLength(1);
  });
});

describe('barproof prove', { timeout: 300_000 }, () => {
  it('gives the first counterexample of a revision that breaks an invariant, with any number of jobs', () => {
    const words = ['prove', '--revision', 'seed-v2', '--invariant', 'map-aligned'];
    const one = barproof(words);
    expect(one).toMatchObject({ code: 1, err: '' });
    expect(one.out).toMatch(
      /\nscenario \d+ of the scope is the first that breaks an invariant:\n\n1 {2}map-aligned \/ \S+\n[^]*\nfound 1 counterexample\n$/,
    );
    expect(barproof([...words, '--jobs', '2'])).toEqual(one);
  });

  it('says of a part of the scope that all hold on the newest QEMU, and goes on where it was', () => {
    const words = ['prove', '--shard', '7/100', '--corpus', 'corpus', '--jobs', '2'];
    const { code, out, err } = barproof(words);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^ {2}map-aligned: \d+ scenarios$/m);
    expect(out).toMatch(/all \d+ scenarios of part 7\/100 hold\n$/);
    expect(barproof(words)).toEqual({ code, out, err });
  });
});
