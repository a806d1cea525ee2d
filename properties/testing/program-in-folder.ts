import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { installBarproof, type InstalledBarproof } from './installed-barproof.ts';

/** What an installed barproof printed, and how it ended. */
export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly milliseconds: number;
}

export interface Setting {
  readonly env?: Record<string, string | undefined>;
  /** A command of the shell that runs first, such as `ulimit -n 30`. */
  readonly before?: string;
}

/** An installed barproof, and a new folder for each test, in which it runs. */
export interface ProgramInFolder {
  /** The present folder. */
  readonly here: string;
  /** The program's file, for node. */
  readonly main: string;
  /** Runs barproof in a process of its own, which is killed after 60 s. */
  run(words: readonly string[], setting?: Setting): Result;
}

/** Installs barproof for the tests of a file. */
export function programInFolder(): ProgramInFolder {
  let installed: InstalledBarproof;
  let here: string;
  beforeAll(() => {
    installed = installBarproof();
  }, 60_000);
  afterAll(() => installed.remove());
  beforeEach(() => {
    here = mkdtempSync(join(tmpdir(), 'ends-well-here-'));
  });
  afterEach(() => rmSync(here, { recursive: true, force: true }));
  return {
    get here() {
      return here;
    },
    get main() {
      return installed.main;
    },
    run(words, { env = {}, before = ':' } = {}) {
      const begin = performance.now();
      const line = `${before}; exec "$0" "$@"`;
      const { status, stdout, stderr } = spawnSync(
        '/bin/sh',
        ['-c', line, process.execPath, installed.main, ...words],
        {
          cwd: here,
          env: { ...process.env, ...env },
          encoding: 'utf8',
          timeout: 60_000,
          killSignal: 'SIGKILL',
        },
      );
      return { code: status, out: stdout, err: stderr, milliseconds: performance.now() - begin };
    },
  };
}
