import { describe, expect, it } from 'vitest';
import { runProgram } from './run-program.ts';

const shell = (script: string, milliseconds = 10_000) => runProgram('/bin/sh', ['-c', script], milliseconds);

describe('runProgram', () => {
  it('returns the output of a program', async () => {
    expect(await shell('echo out; echo err >&2')).toEqual({ out: 'out\n', err: 'err\n', failure: undefined });
  });

  it('says how a program failed', async () => {
    expect(await shell('exit 3')).toMatchObject({ failure: 'ended with status 3' });
    expect(await shell('kill -SEGV $$')).toMatchObject({ failure: 'ended by SIGSEGV' });
    expect(await runProgram('/nowhere/qemu', [], 1000)).toMatchObject({
      failure: 'spawn /nowhere/qemu ENOENT',
    });
  });

  it('kills a program that ignores SIGTERM when the deadline has passed', async () => {
    const begin = performance.now();
    const { failure } = await shell('trap "" TERM; while :; do sleep 0.05; done', 200);
    expect(failure).toBe('no answer within 200 ms');
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it('keeps the first 16 Mi characters of the output, up to the end of a piece', async () => {
    const { out } = await shell('head -c 20000000 /dev/zero | tr "\\0" x');
    expect(out.length).toBeGreaterThanOrEqual(1 << 24);
    expect(out.length).toBeLessThan((1 << 24) + (1 << 20));
  });

  it('does not wait for a process that the program leaves behind, which holds the output open', async () => {
    const begin = performance.now();
    expect(await shell('setsid sleep 8 & echo out')).toMatchObject({ out: 'out\n' });
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});
