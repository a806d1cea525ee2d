import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { untilIdle } from './testing/busy.ts';
import { programInFolder } from './testing/program-in-folder.ts';

/** Signals end a command that waits for what another program writes. */

const program = programInFolder();

describe('a command that waits for another program', () => {
  /** Ends the command once it waits. @returns the exit code or the signal that ended it, and what it said. */
  async function endedBy(signal: NodeJS.Signals, words: readonly string[]) {
    const child = spawn(process.execPath, [program.main, ...words], {
      cwd: program.here,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const [out, err] = [textOf(child.stdout), textOf(child.stderr)];
    await untilIdle(child.pid!);
    const begin = performance.now();
    child.kill(signal);
    const [code, by] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    expect(performance.now() - begin).toBeLessThan(5_000);
    child.stdin.destroy();
    return { ended: code ?? by, out: await out, err: await err };
  }

  it.each([
    ['SIGINT', 'replay'],
    ['SIGTERM', 'explain'],
  ] as const)(
    'for a named pipe ends at %s: %s',
    async (signal, command) => {
      execFileSync('mkfifo', [join(program.here, 'pipe')]);
      expect(await endedBy(signal, [command, 'pipe'])).toEqual({ ended: signal, out: '', err: '' });
    },
    90_000,
  );

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'for sessions on standard input ends at %s',
    async (signal) => {
      expect(await endedBy(signal, ['host', '-'])).toEqual({ ended: 2, out: '', err: '' });
    },
    90_000,
  );

  it('for a patch on standard input ends at SIGINT', async () => {
    const { ended, err } = await endedBy('SIGINT', ['validate', '-', '--qemu-tree', program.here]);
    expect(err).toBe('✖ standard input cannot be read (interrupted before its end)\n');
    expect(ended).toBe(2);
  }, 90_000);

  it('reads no more of standard input than a patch can have', () => {
    const line = 'exec "$0" "$@" < /dev/zero';
    const words = [process.execPath, program.main, 'validate', '-', '--qemu-tree', program.here];
    const { status, stderr } = spawnSync('/bin/sh', ['-c', line, ...words], {
      cwd: program.here,
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/^✖ standard input has more than \d+ bytes\n$/);
    expect(status).toBe(2);
  }, 90_000);
});
