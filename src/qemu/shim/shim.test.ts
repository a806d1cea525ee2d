import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync, spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findShim } from './shim.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'shim-'));
});
afterEach(() => rmSync(cache, { recursive: true }));

const hasCompiler = ((): boolean => {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('the shim', () => {
  it('is none where nothing compiles it, and nothing is left behind', () => {
    expect(findShim({ XDG_CACHE_HOME: cache, CC: '/nowhere/cc' })).toBeUndefined();
    expect(readdirSync(join(cache, 'barproof'))).toEqual([]);
  });

  it.skipIf(!hasCompiler)('is compiled once and then taken from the cache', () => {
    const path = findShim({ ...process.env, XDG_CACHE_HOME: cache })!;
    expect(existsSync(path)).toBe(true);
    expect(findShim({ XDG_CACHE_HOME: cache, CC: '/nowhere/cc' })).toBe(path);
    expect(readdirSync(join(cache, 'barproof'))).toEqual([path.split('/').at(-1)]);
  });

  it.skipIf(!hasCompiler)('has a program see other pages', () => {
    const path = findShim({ ...process.env, XDG_CACHE_HOME: cache })!;
    const environment = { ...process.env, LD_PRELOAD: path, BARPROOF_PAGE_SIZE: '65536' };
    expect(execFileSync('getconf', ['PAGESIZE'], { env: environment, encoding: 'utf8' }).trim()).toBe(
      '65536',
    );
  });

  describe.skipIf(!hasCompiler)('lets a file be mapped at a fixed address', () => {
    const PROGRAM = `#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int count, char **words)
{
    int file = memfd_create("file", 0), flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *room = mmap(0, 0x40000, PROT_NONE, flags, -1, 0);
    (void)count;
    ftruncate(file, 0x100000);
    /* As QEMU does to align what it has reserved. */
    munmap(room, 0x10000);
    munmap(room + 0x30000, 0x10000);
    return mmap(room + strtol(words[1], 0, 0), strtol(words[2], 0, 0), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED;
}
`;
    const run = (start: number, length: number, environment: NodeJS.ProcessEnv = {}) => {
      const path = findShim({ ...process.env, XDG_CACHE_HOME: cache })!;
      const program = join(cache, 'program');
      writeFileSync(`${program}.c`, PROGRAM);
      execFileSync('cc', ['-o', program, `${program}.c`]);
      const { status, signal, stderr } = spawnSync(program, [String(start), String(length)], {
        env: { ...process.env, LD_PRELOAD: path, ...environment },
        encoding: 'utf8',
      });
      return { status, signal, stderr };
    };
    const over = 'barproof: a file is mapped over memory that was not reserved for it\n';

    it.each([
      [0x10000, 0x1000],
      [0x2f000, 0x1000],
      [0x10000, 0x20000],
    ])('within what was reserved (%i, %i bytes)', (start, length) => {
      expect(run(start, length)).toEqual({ status: 0, signal: null, stderr: '' });
    });

    it.each([
      [0x2f000, 0x2000],
      [0x30000, 0x1000],
      [0x0f000, 0x1000],
      [0x10000, 0x20001],
    ])('and nowhere else (%i, %i bytes)', (start, length) => {
      expect(run(start, length)).toEqual({ status: null, signal: 'SIGABRT', stderr: over });
    });

    it.each([0x30800, 0x0f800])('and what is not aligned is refused, wherever it is (%i)', (start) => {
      expect(run(start, 0x1000)).toEqual({ status: 1, signal: null, stderr: '' });
    });

    it.each([0x30000, 0x41000])('and in the slack behind it, and what was given back (%i)', (start) => {
      const slack = { BARPROOF_SLACK: '0x100000' };
      expect(run(start, 0x1000, slack)).toEqual({ status: 0, signal: null, stderr: '' });
    });
  });
});
