import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from './command-line.ts';
import { ExitCode } from './exit-code.ts';

let folder: string;
let complained: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'check-linux-'));
  complained = '';
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((complained += String(text)), true));
  vi.stubEnv('BARPROOF_LINUX', join(folder, 'none'));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const check = (...words: string[]): Promise<ExitCode> => runCommandLine(['check', ...words]);

describe('barproof check --target linux', () => {
  it('ends with 2 without a kernel, and says how to get one', async () => {
    await expect(check('--target', 'linux')).resolves.toBe(ExitCode.COULD_NOT_RUN);
    expect(complained).toMatch(
      /^✖ there is no Linux kernel in .*none\. In a checkout, run \.ci\/install-linux.*doctor/,
    );
    expect(complained.trimEnd().split('\n')).toHaveLength(1);
  });

  it('refuses the options that choose scenarios, each by name', async () => {
    const words = ['--revision', 'qemu-6.0', '--invariant', 'map-aligned', '--realistic', '--strict'];
    await expect(
      check('--target', 'linux', ...words, '--interface', 'kernel', '--plugin', 'x.ts'),
    ).resolves.toBe(ExitCode.COULD_NOT_RUN);
    for (const name of ['revision', 'invariant', 'realistic', 'strict', 'interface', 'plugin'])
      expect(complained).toContain(`✖ --${name}: a real kernel is asked host calls, not scenarios`);
  });
});

describe('barproof check on another target', () => {
  it.each([
    ['--kernel', '6.12'],
    ['--iommu', 'amd-v1'],
  ])('refuses %s, which chooses a kernel', async (...words) => {
    await expect(check('--runs', '1', '--no-save', ...words)).resolves.toBe(ExitCode.COULD_NOT_RUN);
    expect(complained).toBe(`✖ ${words[0]}: expected with --target linux\n`);
  });
});
