import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileLock } from './file-lock.ts';
import { runCommand, type CommandOptions } from './run-command.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-run-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const shell = (script: string, options: Partial<CommandOptions> = {}) =>
  runCommand('/bin/sh', ['-c', script], {
    folder,
    environment: { PATH: process.env['PATH'] },
    milliseconds: 20_000,
    ...options,
  });

it('runCommand gives the status, both outputs and each line', async () => {
  const lines: string[] = [];
  const end = await shell('cat; echo two >&2; exit 3', {
    input: 'one\n',
    onLine: (line) => lines.push(line),
  });
  expect(end).toMatchObject({ status: 3, out: 'one\n', failure: undefined });
  expect(lines.toSorted()).toEqual(['one', 'two']);
});

it('runCommand tells of a program that does not exist', async () => {
  const end = await runCommand(join(folder, 'none'), [], { folder, environment: {}, milliseconds: 1000 });
  expect(end.status).toBeUndefined();
  expect(end.failure).toContain('ENOENT');
});

it('runCommand ends a program at its deadline, and with it what the program has started', async () => {
  const end = await shell('sleep 60 & echo $! > pid; wait', { milliseconds: 500 });
  expect(end).toMatchObject({ status: undefined, failure: 'not done within 1 s' });
  expect(isRunning(readFileSync(join(folder, 'pid'), 'utf8').trim())).toBe(false);
});

it('runCommand lets an interrupted program remove what it has not finished', async () => {
  const interrupt = new AbortController();
  const running = shell('trap "rm half; exit 1" TERM; touch half; echo ready; sleep 60 & wait', {
    signal: interrupt.signal,
    onLine: () => interrupt.abort(),
  });
  expect(await running).toMatchObject({ failure: 'interrupted' });
  expect(existsSync(join(folder, 'half'))).toBe(false);
});

it('runCommand ends a program that ignores SIGTERM', async () => {
  const end = await shell('trap "" TERM; while :; do sleep 1; done', { milliseconds: 200 });
  expect(end.failure).toContain('not done within');
});

it('a lock that a program holds outlives the lock of barproof', async () => {
  const path = join(folder, 'lock');
  const lock = FileLock.tryTake(path, 'exclusive')!;
  const running = shell('echo ready; sleep 1', { held: lock.file });
  await sleep(300);
  lock.release();
  expect(FileLock.tryTake(path, 'exclusive')).toBeUndefined();
  await running;
  FileLock.tryTake(path, 'exclusive')!.release();
});

/** Whether a process runs; a zombie does not. */
function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
