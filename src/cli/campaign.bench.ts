import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, bench, describe } from 'vitest';
import { reportBenchmark } from '../../properties/testing/benchmark.ts';
import { builtBarproof } from '../../properties/testing/built-barproof.ts';

/** What a second job of a campaign gains, and how much memory a campaign takes. Other work on the machine shows in it. */

/** How many cases each campaign has. `BARPROOF_CASES` sets another number; a QEMU gets a 2000th of them. */
const CASES = Number(process.env['BARPROOF_CASES'] ?? 200_000);
const CASES_ON_QEMU = Math.max(384, Math.round(CASES / 2000));
/** What a second job has to gain, on two idle cores. */
const LEAST_GAIN = { model: 1.8, qemu: 1.6 };
const SAMPLE_MS = 100;

interface Run {
  readonly seconds: number;
  /** The most memory that the process had, in MiB. */
  readonly mebibytes: number;
}

async function campaign(...words: readonly string[]): Promise<Run> {
  const corpus = mkdtempSync(join(tmpdir(), 'campaign-bench-'));
  const begin = performance.now();
  let kibibytes = 0;
  try {
    const child = spawn(
      process.execPath,
      [join(builtBarproof(), 'cli/main.js'), 'fuzz', '--corpus', corpus, ...words],
      { stdio: 'ignore' },
    );
    // The kernel keeps the most that it was (proc(5)), so the last look before the end is enough.
    const timer = setInterval(() => (kibibytes = mostMemory(child.pid!) ?? kibibytes), SAMPLE_MS);
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('exit', resolve),
    ).finally(() => clearInterval(timer));
    if (code !== 0 && code !== 1) throw new Error(`fuzz ${words.join(' ')} ended with ${code}`);
    return { seconds: (performance.now() - begin) / 1000, mebibytes: kibibytes / 1024 };
  } finally {
    rmSync(corpus, { recursive: true, force: true });
  }
}

function mostMemory(pid: number): number | undefined {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes);
  } catch {
    // The process has ended, or the system has no such file.
    return undefined;
  }
}

const ONCE = { time: 0, iterations: 1, warmupTime: 0, warmupIterations: 0 } as const;

const onModel: Partial<Record<'one' | 'two', Run>> = {};
/** How long two campaigns of their own take side by side: what the machine itself allows. */
let sideBySide: number | undefined;

describe('a campaign on the model', () => {
  const words = ['--runs', String(CASES)];
  bench('with one job', async () => void (onModel.one = await campaign(...words)), ONCE);
  bench('with two jobs', async () => void (onModel.two = await campaign(...words, '--jobs', '2')), ONCE);
  bench(
    'twice, side by side',
    async () => {
      const both = await Promise.all([campaign(...words), campaign(...words, '--seed', 'other')]);
      sideBySide = Math.max(...both.map(({ seconds }) => seconds));
    },
    ONCE,
  );
});

const onQemu: Partial<Record<'one' | 'two', Run>> = {};

describe.skipIf(process.env['BARPROOF_QEMU'] === undefined)('a campaign on a real QEMU', () => {
  const words = ['--target', 'qemu', '--runs', String(CASES_ON_QEMU)];
  bench('with one job', async () => void (onQemu.one = await campaign(...words)), ONCE);
  bench('with two jobs', async () => void (onQemu.two = await campaign(...words, '--jobs', '2')), ONCE);
});

const gainText = (gain: number, least: number): string =>
  `gain: ${gain.toFixed(2)}; at least ${least} is ${gain >= least ? 'reached' : 'missed'}`;

afterAll(() => {
  const { one, two } = onModel;
  if (one === undefined || two === undefined || sideBySide === undefined) return;
  const gain = one.seconds / two.seconds;
  const bound = (2 * one.seconds) / sideBySide;
  reportBenchmark(
    'campaign',
    [
      `${CASES} cases on the model: ${one.seconds.toFixed(1)} s with one job, ${two.seconds.toFixed(1)} s with two`,
      gainText(gain, LEAST_GAIN.model),
      `gain of two campaigns side by side, which share nothing: ${bound.toFixed(2)}`,
      `memory: ${one.mebibytes.toFixed(0)} MiB with one job, ${two.mebibytes.toFixed(0)} MiB with two`,
    ],
    { cases: CASES, one, two, gain, bound, leastGain: LEAST_GAIN.model },
  );
});

afterAll(() => {
  const { one, two } = onQemu;
  if (one === undefined || two === undefined) return;
  const gain = one.seconds / two.seconds;
  reportBenchmark(
    'campaign on QEMU',
    [
      `${CASES_ON_QEMU} cases on a real QEMU: ${one.seconds.toFixed(1)} s with one job, ${two.seconds.toFixed(1)} s with two`,
      gainText(gain, LEAST_GAIN.qemu),
    ],
    { cases: CASES_ON_QEMU, one, two, gain, leastGain: LEAST_GAIN.qemu },
  );
});
