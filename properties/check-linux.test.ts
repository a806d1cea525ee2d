import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedKernels } from '../src/linux/boot/installed-kernels.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';
import { whyNoLinux } from './testing/why-no-linux.ts';

/** `barproof check --target linux` on a real kernel: what it finds, and what it leaves behind. */

/** A boot under TCG takes 11 to 20 s on idle cores, and several times that on busy ones. */
const TIMEOUT = 300_000;

// The model of 6.12 differs from that of 7.3 (host fact D1), so a kernel under a wrong name shows differences.
const kernel = installedKernels().find(
  ({ architecture, release }) => architecture === 'x86_64' && release.startsWith('6.12'),
);
const reason = whyNoLinux(kernel);
const skipped = reason === undefined ? '' : ` (skipped: ${reason})`;

describe.skipIf(reason !== undefined)(
  `barproof check --target linux on a real kernel${skipped}`,
  { timeout: TIMEOUT },
  () => {
    let barproof: InstalledBarproof;
    let here: string;
    beforeAll(() => {
      barproof = installBarproof();
      here = mkdtempSync(join(tmpdir(), 'check-linux-'));
      for (const folder of ['temporary', 'kernels/wrong-name', 'regressions/linux'])
        mkdirSync(join(here, folder), { recursive: true });
      const wrong = join(here, 'kernels/wrong-name');
      symlinkSync(kernel!.image, join(wrong, 'kernel'));
      symlinkSync(dirname(kernel!.modules[0]!), join(wrong, 'modules'));
      const about = { release: '7.3.4', arch: 'x86_64', pageSize: 4096 };
      writeFileSync(join(wrong, 'about.json'), JSON.stringify(about));
    }, TIMEOUT);
    afterAll(() => {
      barproof?.remove();
      if (here !== undefined) rmSync(here, { recursive: true });
    });

    /** Runs barproof in the folder. @param interruptAt an end of the output at which it gets SIGINT */
    const run = (words: readonly string[], kernels: string, interruptAt?: RegExp) =>
      new Promise<{ code: number | null; out: string }>((resolve, reject) => {
        const env = { ...process.env, TMPDIR: join(here, 'temporary'), BARPROOF_LINUX: kernels };
        const child = spawn(process.execPath, [barproof.main, ...words], { cwd: here, env });
        let out = '';
        let interrupted = false;
        const add = (text: Buffer): void => {
          out += text.toString();
          if (interrupted || !interruptAt?.test(out)) return;
          interrupted = true;
          child.kill('SIGINT');
        };
        child.stdout.on('data', add);
        child.stderr.on('data', add);
        child.on('error', reject).on('close', (code) => resolve({ code, out }));
      });
    const named = (): string => dirname(dirname(kernel!.image));

    it('shows a difference, and the printed command shows it again', async () => {
      // A wrap: EINVAL before 6.18, EOVERFLOW from then on.
      const wrap = { call: 'map', iova: '0xfffffffffffff000', size: '0x2000', vaddr: 'ram+0x0', flags: 3 };
      const calls = [{ ...wrap, iova: '0x0' }, wrap];
      const file = join(here, 'regressions/linux/mine.ndjson');
      writeFileSync(file, `${JSON.stringify({ kernel: '7.3.4', container: 'type1v2', calls })}\n`);
      const words = ['check', '--target', 'linux', '--iommu', 'intel-aw48', '--runs', '1', '--seed', '2'];
      const { code, out } = await run(words, join(here, 'kernels'));
      expect(out).toContain(
        '1  model-answers / type1v2-map-kernel-einval-model-eoverflow   (a stored session',
      );
      expect(out).toMatch(/^ +1 +map +iova=0xfffffffffffff000 .* EINVAL +EOVERFLOW +<-- here$/m);
      expect(code).toBe(1);
      const [, again = ''] = /^ +again +(.*)$/m.exec(out) ?? [];
      expect(again).toMatch(/ host .*mine\.ndjson --target linux --compare$/);
      const shown = await run(
        again.split(' host ')[1]!.split(' ').toSpliced(0, 0, 'host'),
        join(here, 'kernels'),
      );
      expect(shown.out).toContain('✖ type1v2 map: EINVAL by the kernel, EOVERFLOW by the model');
      expect(shown.code).toBe(1);
    });

    it('finds nothing where the kernel has its own name, and writes its report', async () => {
      const report = join(here, 'report.json');
      const words = ['check', '--target', 'linux', '--runs', '3', '--report', `json=${report}`];
      const { code, out } = await run([...words, '--no-save', '--regressions', 'none'], named());
      expect(out).toMatch(/^sessions: 3 \(\d+ calls compared\)\nthe model answers every call/m);
      expect(code).toBe(0);
      expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({
        ...{ command: 'check', verdict: 'holds', findings: [] },
        plan: { target: expect.stringContaining(kernel!.release) as unknown, cases: 3 },
        summary: { cases: 3, outcomes: { differ: 0 } },
      });
    });

    it.each([
      ['while the kernel boots', /other IOMMUs/],
      // Without a terminal there is a line of progress every 30 s.
      ['between two sessions', /\d of 100000 sessions/],
    ])('leaves neither process nor file after an interrupt %s', async (_, at) => {
      const words = ['check', '--target', 'linux', '--runs', '100000', '--no-save', '--regressions', 'none'];
      const { code, out } = await run(words, named(), at);
      expect(out).toContain('interrupted: ');
      expect(code).toBe(2);
      expect(readdirSync(join(here, 'temporary'))).toEqual([]);
      const mine = readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .filter((pid) => commandLine(pid).includes(join(here, 'temporary')));
      expect(mine).toEqual([]);
    });
  },
);

/** The command line of a process; empty if it has ended. */
function commandLine(pid: string): string {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'latin1');
  } catch {
    return '';
  }
}
