import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFakeQemu } from '../src/qemu/process/testing/fake-monitor.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';

/** A QEMU that never answers costs barproof its deadline and little more. The tests wait side by side. */
const DEADLINE_SECONDS = 3;

let installed: InstalledBarproof;

beforeAll(() => {
  installed = installBarproof();
}, 60_000);

afterAll(() => installed.remove());

/** Runs barproof in a process of its own, in the folder `here`. */
async function barproof(here: string, words: readonly string[], deadline = String(DEADLINE_SECONDS)) {
  const child = spawn(process.execPath, [installed.main, ...words], {
    cwd: here,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, BARPROOF_QEMU_DEADLINE: deadline },
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), ended]);
  return { out, err, code };
}

/** Does `act` with a new folder, which is removed afterwards. */
async function inFolder(act: (here: string) => Promise<void>): Promise<void> {
  const here = mkdtempSync(join(tmpdir(), 'ends-in-time-'));
  try {
    await act(here);
  } finally {
    rmSync(here, { recursive: true, force: true });
  }
}

describe.concurrent('barproof ends in time', () => {
  it('with exit code 2 where BARPROOF_QEMU_DEADLINE is no number of seconds', async () => {
    const fake = makeFakeQemu('');
    try {
      await inFolder(async (here) => {
        const words = ['check', '--target', 'qemu', '--qemu', fake.binary];
        const { code, err } = await barproof(here, words, 'soon');
        expect(err).toContain('BARPROOF_QEMU_DEADLINE: "soon": expected seconds, above 0 and at most 3600');
        expect(code).toBe(2);
      });
    } finally {
      fake.remove();
    }
  });

  it('where a program that stands in for QEMU ignores SIGTERM at --version', async () => {
    await inFolder(async (here) => {
      const binary = join(here, 'qemu-system-x86_64');
      writeFileSync(binary, '#!/bin/sh\ntrap "" TERM\nwhile :; do sleep 0.1; done\n');
      chmodSync(binary, 0o755);
      const { code, out } = await barproof(here, ['doctor', '--qemu', here]);
      expect(out).toContain(
        `qemu-system-x86_64 cannot be used: --version: no answer within ${DEADLINE_SECONDS * 1000} ms`,
      );
      expect(code).toBe(0);
    });
  }, 90_000);

  it.each([
    [
      'hangs at its start',
      'setInterval(() => undefined, 1000); process.on("SIGTERM", () => undefined); return;',
    ],
    ['is stopped at its start', 'process.kill(process.pid, "SIGSTOP");'],
  ])(
    'and says so where QEMU %s',
    async (_, behaviour) => {
      const fake = makeFakeQemu(behaviour);
      try {
        await inFolder(async (here) => {
          const { code, err } = await barproof(here, ['check', '--target', 'qemu', '--qemu', fake.binary]);
          expect(err).toMatch(/^✖ [^\n]+\n$/);
          expect(err).toContain(
            `the program does not start: QEMU did not answer for ${DEADLINE_SECONDS} s at the start of QEMU`,
          );
          expect(code).toBe(2);
        });
      } finally {
        fake.remove();
      }
    },
    90_000,
  );
});
