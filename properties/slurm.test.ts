import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, readPage } from './pages/page.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';
import { startSlurm, whyNoSlurm, type Slurm } from './testing/slurm.ts';

const reasonNot = whyNoSlurm();
const skipped = reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`;

describe.skipIf(reasonNot !== undefined)(`the script of the page of campaigns${skipped}`, () => {
  let here: string;
  let installed: InstalledBarproof;
  let slurm: Slurm | undefined;
  beforeAll(async () => {
    here = mkdtempSync(join(tmpdir(), 'slurm-'));
    installed = installBarproof();
    slurm = await startSlurm(join(here, 'slurm'));
  }, 120_000);
  afterAll(async () => {
    await slurm?.stop();
    installed.remove();
    rmSync(here, { recursive: true, force: true });
  });

  it('runs as an array of jobs on a Slurm of one node, and its parts are the whole campaign', () => {
    const { text } = blocksOf(readPage('properties/CAMPAIGNS.md')).find(
      ({ file }) => file === 'campaign.sbatch',
    )!;
    writeFileSync(join(here, 'campaign.sbatch'), text);
    // Stands for npx in a checkout.
    mkdirSync(join(here, 'bin'));
    writeFileSync(
      join(here, 'bin/npx'),
      `#!/bin/sh\nshift\nexec '${process.execPath}' '${installed.main}' "$@"\n`,
    );
    chmodSync(join(here, 'bin/npx'), 0o755);
    const env = { ...slurm!.environment, PATH: `${here}/bin:${slurm!.environment['PATH']}` };
    const run = (program: string, words: readonly string[]) =>
      spawnSync(program, words, { cwd: here, env, encoding: 'utf8' });
    expect(run('sbatch', ['--wait', 'campaign.sbatch'])).toMatchObject({ status: 0, stderr: '' });
    const parts = Array.from({ length: 8 }, (_, index) => `parts/${index + 1}`);
    const merged = run('npx', ['barproof', 'merge', ...parts, '--into', 'all']);
    expect(merged).toMatchObject({ status: 0, stderr: '' });
    expect(merged.stdout).toMatch(/8000 cases, parts 1\/8 2\/8 3\/8 4\/8 5\/8 6\/8 7\/8 8\/8/);
  }, 300_000);
});
