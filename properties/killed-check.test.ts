import * as fc from 'fast-check';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runInProcess } from '../src/cli/testing/run-in-process.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';

/** How many checks are killed. `BARPROOF_KILLS=200` takes ten minutes. */
const KILLS = Number(process.env['BARPROOF_KILLS'] ?? 3);
/** A check of these cases finds, shrinks and stores all the time, and lasts longer than the latest kill. */
const CHECK = ['check', '--revision', 'seed-v2', '--runs', '100000'];
const LATEST_KILL = 4_000;

let installed: InstalledBarproof;
beforeAll(() => void (installed = installBarproof()), 60_000);
afterAll(() => installed.remove());

let here: string;
beforeEach(() => (here = mkdtempSync(join(tmpdir(), 'killed-check-'))));
afterEach(() => rmSync(here, { recursive: true, force: true }));

/** Starts the check, kills it after some time, and returns what it has printed. */
async function killed(milliseconds: number): Promise<string> {
  const child = spawn(process.execPath, [installed.main, ...CHECK], {
    cwd: here,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const out = text(child.stdout);
  const end = once(child, 'exit');
  await delay(milliseconds);
  child.kill('SIGKILL');
  expect(await end).toEqual([null, 'SIGKILL']);
  return out;
}

const storedIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => join(entry.parentPath, entry.name));

describe('a check that SIGKILL ends', () => {
  it(
    'leaves no half of a stored case, and loses none that it has reported, at any moment',
    async () => {
      const moments = fc.sample(fc.integer({ min: 0, max: LATEST_KILL }), { numRuns: KILLS });
      let most = 0;
      for (const moment of moments) {
        const before = storedIn(here);
        const out = await killed(moment);
        const stored = storedIn(here);
        expect(stored).toEqual(expect.arrayContaining(before));
        const reported = [...out.matchAll(/\S+\.json/g)].map(([file]) => basename(file));
        expect(stored.map((file) => basename(file))).toEqual(expect.arrayContaining(reported));
        most = Math.max(most, stored.length);
      }
      const stored = storedIn(here);
      const { code, out, err } = await runInProcess(['replay', ...stored]);
      expect({ code, err }).toEqual({ code: 1, err: '' });
      expect(out.match(/^x .* on seed-v2, as recorded$/gm)).toHaveLength(stored.length);
      // Some of the kills came while findings were being stored.
      expect(most).toBeGreaterThan(0);
    },
    60_000 + KILLS * (LATEST_KILL + 2_000),
  );
});
