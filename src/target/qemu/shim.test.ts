import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
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
});
