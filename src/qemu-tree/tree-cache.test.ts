import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileLock } from './file-lock.ts';
import { openTreeCache, TreeCache, type CacheEntry } from './tree-cache.ts';

const KIB = 1024;
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'barproof-cache-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** An entry of some KiB that was used some seconds ago. */
function fill(
  cache: TreeCache,
  key: string,
  { kib, ago }: { readonly kib: number; readonly ago: number },
): CacheEntry {
  const entry = cache.entry(key);
  entry.touch();
  writeFileSync(join(entry.folder, 'x'), Buffer.alloc(kib * KIB));
  const used = new Date(Date.now() - ago * 1000);
  utimesSync(entry.folder, used, used);
  return entry;
}

const keys = (cache: TreeCache): string[] => cache.list().map(({ key }) => key);

describe('TreeCache', () => {
  it('removes the bases that were used longest ago until it keeps its limit', () => {
    const cache = new TreeCache(root, 300 * KIB);
    for (const [index, key] of ['newest', 'second', 'third', 'oldest'].entries())
      fill(cache, key, { kib: 120, ago: index * 100 });
    cache.shrink('newest');
    expect(keys(cache)).toEqual(['newest', 'second']);
  });

  it('keeps a base that is larger than the limit and was just built', () => {
    const cache = new TreeCache(root, KIB);
    fill(cache, 'large', { kib: 100, ago: 0 });
    cache.shrink('large');
    expect(keys(cache)).toEqual(['large']);
  });

  it('keeps a base that is in use', async () => {
    const cache = new TreeCache(root, KIB);
    const use = await fill(cache, 'used', { kib: 100, ago: 100 }).use({});
    fill(cache, 'new', { kib: 100, ago: 0 });
    cache.shrink('new');
    expect(cache.list().map(({ key, isInUse }) => [key, isInUse])).toEqual([
      ['new', false],
      ['used', true],
    ]);
    expect(cache.clear().inUse).toBe(1);
    use.release();
    cache.clear();
    expect(keys(cache)).toEqual([]);
  });

  it('tells what each base is', () => {
    const cache = new TreeCache(root);
    fill(cache, 'key', { kib: 100, ago: 0 }).describe('v1.0', 'few devices');
    expect(cache.list()).toMatchObject([
      { title: 'v1.0', configuration: 'few devices', state: 'not finished', patches: 0, isInUse: false },
    ]);
    expect(cache.list()[0]!.bytes).toBeGreaterThanOrEqual(100 * KIB);
  });

  it('keeps of the patches on a base the 20 that were used last', () => {
    const entry = fill(new TreeCache(root), 'key', { kib: 1, ago: 0 });
    for (let index = 0; index < 25; index++) {
      const folder = entry.patch(`patch${index}`);
      mkdirSync(folder, { recursive: true });
      const used = new Date(Date.now() - (100 - index) * 1000);
      utimesSync(folder, used, used);
    }
    entry.patch('patch7');
    // Another process may still run it: who only looks for a patch removes none.
    expect(readdirSync(join(entry.folder, 'patched'))).toHaveLength(25);
    entry.removeOldPatches();
    const left = readdirSync(join(entry.folder, 'patched')).toSorted();
    expect(left).toHaveLength(20);
    expect(left).toContain('patch7');
    expect(left).not.toContain('patch4');
  });

  it('measures a base once', () => {
    const cache = new TreeCache(root);
    const entry = fill(cache, 'key', { kib: 100, ago: 0 });
    entry.measure();
    writeFileSync(join(entry.folder, 'y'), Buffer.alloc(500 * KIB));
    expect(cache.list()[0]!.bytes).toBeLessThan(200 * KIB);
    entry.measure();
    expect(cache.list()[0]!.bytes).toBeGreaterThan(500 * KIB);
  });

  it('tells a base that is built from one that does not link', () => {
    const entry = fill(new TreeCache(root), 'key', { kib: 1, ago: 0 });
    writeFileSync(entry.linkFailureFile, '');
    expect(entry.state).toBe('does not link');
    mkdirSync(entry.base);
    expect(entry.state).toBe('built');
  });

  it('makes no folder for a look', () => {
    const cache = new TreeCache(join(root, 'none'));
    expect(cache.list()).toEqual([]);
    expect(cache.clear()).toEqual({ freed: 0, inUse: 0 });
    expect(readdirSync(root)).toEqual([]);
  });

  it('refuses a folder to which another user can write', () => {
    chmodSync(root, 0o777);
    expect(() => new TreeCache(root)).toThrow('other users can write to the cache');
  });

  it('refuses a path that configure would take apart', () => {
    expect(() => new TreeCache(join(root, 'a b'))).toThrow('name a path without spaces in XDG_CACHE_HOME');
  });

  it('removes also what a removal has left that was killed', () => {
    const cache = new TreeCache(root);
    mkdirSync(join(root, 'removed', 'two.17'), { recursive: true });
    expect(cache.clear().inUse).toBe(0);
    expect(existsSync(join(root, 'removed'))).toBe(false);
    expect(keys(cache)).toEqual([]);
  });

  it('is refused where its path goes through a file', () => {
    writeFileSync(join(root, 'file'), '');
    for (const path of ['file', 'file/below'])
      expect(() => new TreeCache(join(root, path))).toThrow(/a part of this path is a file; name a folder/);
  });

  it('takes its limit from the environment', () => {
    expect(openTreeCache({ XDG_CACHE_HOME: root, BARPROOF_CACHE_GIB: '0.5' }).limit).toBe(2 ** 29);
    const limitOf = (gib: string): number =>
      openTreeCache({ XDG_CACHE_HOME: root, BARPROOF_CACHE_GIB: gib }).limit;
    expect(limitOf('1000000')).toBe(1e6 * 2 ** 30);
    expect(limitOf('')).toBe(8 * 2 ** 30);
    for (const gib of ['much', '-1', '1e9', '1000001', '999999999999999999999999', ' 8'])
      expect(() => limitOf(gib)).toThrow(
        `BARPROOF_CACHE_GIB: "${gib}": expected GiB from 0 to 1000000, such as 8`,
      );
  });
});

describe('FileLock', () => {
  it('lets many share a file, and one alone have it', () => {
    const path = join(root, 'lock');
    const [one, two] = [FileLock.tryTake(path, 'shared'), FileLock.tryTake(path, 'shared')];
    expect(FileLock.tryTake(path, 'exclusive')).toBeUndefined();
    one!.release();
    two!.release();
    const alone = FileLock.tryTake(path, 'exclusive');
    expect(FileLock.tryTake(path, 'shared')).toBeUndefined();
    alone!.release();
  });

  it('waits for another process, and has the lock when SIGKILL ends that process', async () => {
    const path = join(root, 'lock');
    const other = spawn('flock', ['--close', path, '-c', 'echo locked; sleep 60'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    let waited = 0;
    const taking = FileLock.take(path, 'exclusive', { onWait: () => waited++ });
    expect(waited).toBe(1);
    process.kill(-other.pid!, 'SIGKILL');
    (await taking).release();
  });

  it('ends its waiting when the user interrupts', async () => {
    const path = join(root, 'lock');
    const held = FileLock.tryTake(path, 'exclusive');
    const interrupt = new AbortController();
    const taking = FileLock.take(path, 'shared', { signal: interrupt.signal });
    interrupt.abort(new Error('interrupted'));
    await expect(taking).rejects.toThrow('interrupted');
    held!.release();
  });
});
