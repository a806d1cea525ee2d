import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { compileShim, findShim, lookForShim } from './shim.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'shim-'));
});
afterEach(() => rmSync(cache, { recursive: true }));

const isThere = (compiler: string): boolean => spawnSync(compiler, ['--version']).status === 0;
const hasCompiler = isThere('cc');

/** The shim for all tests that do not compile it. */
const shared = mkdtempSync(join(tmpdir(), 'shim-shared-'));
afterAll(() => rmSync(shared, { recursive: true }));
const sharedShim = (): string => findShim({ ...process.env, XDG_CACHE_HOME: shared })!;

/** A compiler for tests of the cache: its result is a library that was compiled once. */
function quickCompiler(): string {
  const path = join(shared, 'cc');
  if (!existsSync(path)) writeFileSync(path, copyingCompiler(sharedShim()), { mode: 0o755 });
  return path;
}

const copyingCompiler = (result: string): string =>
  `#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\ncat "${result}" > "$2"\n`;

/** Compiles a program and runs it with the shim. */
function run(source: string, words: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const path = sharedShim();
  const program = join(cache, 'program');
  writeFileSync(`${program}.c`, source);
  execFileSync('cc', ['-O0', '-rdynamic', '-o', program, `${program}.c`]);
  const { status, signal, stderr } = spawnSync(program, words, {
    env: { ...process.env, LD_PRELOAD: path, ...environment },
    encoding: 'utf8',
  });
  return { status, signal, stderr };
}

describe('findShim', () => {
  it('finds nothing without a compiler, and leaves no file behind', () => {
    expect(findShim({ XDG_CACHE_HOME: cache, CC: '/nowhere/cc' })).toBeUndefined();
    expect(readdirSync(join(cache, 'barproof'))).toEqual([]);
  });

  it.skipIf(!hasCompiler)('compiles the shim once and then takes it from the cache', () => {
    const path = findShim({ ...process.env, XDG_CACHE_HOME: cache })!;
    expect(existsSync(path)).toBe(true);
    expect(findShim({ XDG_CACHE_HOME: cache, CC: '/nowhere/cc' })).toBe(path);
    expect(readdirSync(join(cache, 'barproof'))).toEqual([path.split('/').at(-1)]);
  });
});

describe.skipIf(!hasCompiler)('the cache of the shim', () => {
  const find = (): string => findShim({ ...process.env, XDG_CACHE_HOME: cache, CC: quickCompiler() })!;
  const folder = (): string => join(cache, 'barproof');
  /** A file system may give the number of a removed file to the next one, so the time of birth tells them apart. */
  const madeAt = (path: string): bigint => lstatSync(path, { bigint: true }).birthtimeNs;

  it.each([
    ['is empty', (path: string) => writeFileSync(path, '')],
    ['is truncated', (path: string) => truncateSync(path, 5000)],
    ['holds other bytes at its end', (path: string) => writeFileSync(path, 'x', { flag: 'a' })],
    ['can be written by other users', (path: string) => chmodSync(path, 0o777)],
    [
      'is a link',
      (path: string) => {
        renameSync(path, join(cache, 'other.so'));
        symlinkSync(join(cache, 'other.so'), path);
      },
    ],
  ])('makes a library anew that %s', (_, spoil) => {
    const path = find();
    const before = madeAt(path);
    spoil(path);
    const again = find();
    expect(lstatSync(again).isFile()).toBe(true);
    expect(madeAt(again)).toBeGreaterThan(before);
    expect(lstatSync(again).mode & 0o022).toBe(0);
    expect(readdirSync(folder())).toEqual([again.split('/').at(-1)]);
    expect(run('int main(void) { return 0; }', []).status).toBe(0);
  });

  it.skipIf(process.getuid!() !== 0)('makes a library anew that belongs to another user', () => {
    const path = find();
    chownSync(path, 12345, 12345);
    const before = madeAt(path);
    expect(madeAt(find())).toBeGreaterThan(before);
  });

  it('makes a library anew that has the right name and cannot be loaded', () => {
    const path = find();
    const text = 'no library';
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
    const forged = path.replace(/[0-9a-f]+\.so$/, `${hash}.so`);
    rmSync(path);
    writeFileSync(forged, text);
    expect(find()).toBe(path);
    expect(existsSync(forged)).toBe(false);
  });

  it('removes what an unfinished compilation left behind an hour ago', () => {
    mkdirSync(folder());
    for (const name of ['1-abcd-shim.so', '2-abcd-shim.so']) writeFileSync(join(folder(), name), '');
    utimesSync(join(folder(), '1-abcd-shim.so'), 0, 0);
    const path = find();
    expect(readdirSync(folder()).toSorted()).toEqual(['2-abcd-shim.so', path.split('/').at(-1)]);
  });

  it.each([
    ['is a file', () => writeFileSync(folder(), '')],
    ['can be written by other users', () => (mkdirSync(folder()), chmodSync(folder(), 0o777))],
  ])('is a private folder where the cache folder %s', (_, spoil) => {
    spoil();
    const path = find();
    expect(path).toMatch(/\/barproof-\d+-\w+-\w{6}\/shim\/qemu-shim-/);
    expect(find()).toBe(path);
  });

  it('is a private folder where HOME is a file', () => {
    const home = join(cache, 'home');
    writeFileSync(home, '');
    vi.stubEnv('HOME', home);
    expect(findShim({ ...process.env, XDG_CACHE_HOME: undefined, CC: quickCompiler() })).toContain(
      '/shim/qemu-shim-',
    );
    vi.unstubAllEnvs();
  });
});

describe('lookForShim', () => {
  const CC_WITH_OPTIONS = 'cc -DBARPROOF_TEST -O1';

  it.skipIf(!hasCompiler)('takes options of the compiler from CC', () => {
    expect(lookForShim({ ...process.env, XDG_CACHE_HOME: cache, CC: CC_WITH_OPTIONS })).toHaveProperty(
      'path',
    );
  });

  it('names the compiler in CC that cannot compile', () => {
    expect(lookForShim({ XDG_CACHE_HOME: cache, CC: 'false -m64' })).toEqual({
      missing: 'CC="false -m64" cannot compile the library',
    });
  });

  it.skipIf(!hasCompiler)('refuses a compiled library that cannot be loaded', () => {
    const compiler = join(cache, 'cc');
    writeFileSync(compiler, '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho no > "$2"\n', {
      mode: 0o755,
    });
    expect(lookForShim({ ...process.env, XDG_CACHE_HOME: cache, CC: compiler })).toEqual({
      missing: 'a program with the compiled library does not start',
    });
  });
});

describe('the C files of the shim', () => {
  it.for(['gcc', 'clang'])('compile without warnings: %s', (compiler, context) => {
    context.skip(!isThere(compiler), `there is no ${compiler}`);
    expect(compileShim(compiler, join(cache, 'shim.so'), ['-Werror'])).toBe(true);
  });

  it.skipIf(!hasCompiler || !['x64', 'arm64', 'ppc64'].includes(process.arch))(
    'need nothing newer than glibc 2.17 after compilation on a newer system',
    () => {
      const library = readFileSync(sharedShim(), 'latin1');
      const versions = [...library.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
      expect(versions.length).toBeGreaterThan(0);
      expect(Math.max(...versions)).toBeLessThanOrEqual(17);
    },
  );
});

describe.skipIf(!hasCompiler)('a program with the shim', () => {
  it('sees host pages of BARPROOF_PAGE_SIZE bytes', () => {
    const environment = { ...process.env, LD_PRELOAD: sharedShim(), BARPROOF_PAGE_SIZE: '65536' };
    expect(execFileSync('getconf', ['PAGESIZE'], { env: environment, encoding: 'utf8' }).trim()).toBe(
      '65536',
    );
  });

  it('gets memory at addresses and offsets that are multiples of BARPROOF_PAGE_SIZE', () => {
    const source = `#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
    int page = getpagesize(), flags = MAP_PRIVATE | MAP_ANONYMOUS, index;
    char *last = 0;
    for (index = 0; index < 100; index++) {
        char *memory = mmap(0, 1, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (memory == MAP_FAILED || (unsigned long)memory % page) return 1;
        /* The whole page is there. */
        memory[page - 1] = 1;
        last = memory;
    }
    if (mmap(last + 4096, 1, PROT_READ, flags | MAP_FIXED, -1, 0) != MAP_FAILED) return 2;
    if (munmap(last + 4096, 1) == 0) return 3;
    return munmap(last, 1) == 0 ? 0 : 4;
}
`;
    const result = run(source, [], { BARPROOF_PAGE_SIZE: '65536' });
    expect(result).toEqual({ status: 0, signal: null, stderr: '' });
  });

  it('prints the thread and the functions that led to a fatal signal', () => {
    const source = `#define _GNU_SOURCE
#include <pthread.h>
void inner(void) { *(volatile int *)8 = 1; }
void outer(void) { inner(); }
static void *work(void *unused) { pthread_setname_np(pthread_self(), "call_rcu"); outer(); return unused; }
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, work, 0);
    return pthread_join(thread, 0);
}
`;
    const { signal, stderr } = run(source, []);
    expect(signal).toBe('SIGSEGV');
    expect(stderr).toMatch(
      /^barproof: signal in thread call_rcu\nbarproof: call stack, innermost function first\n/,
    );
    const functions = [...stderr.matchAll(/\((\w+)\+0x/g)].map(([, name]) => name);
    expect(functions.slice(0, 2)).toEqual(['inner', 'outer']);
  });
});

describe.skipIf(!hasCompiler)('a program with the shim that maps a file at a fixed address', () => {
  const source = `#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int count, char **words)
{
    int file = memfd_create("file", 0), flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *room = mmap(0, 0x40000, PROT_NONE, flags, -1, 0);
    (void)count;
    ftruncate(file, 0x100000);
    /* Trims the reservation at both ends, as QEMU does to align a reservation. */
    munmap(room, 0x10000);
    munmap(room + 0x30000, 0x10000);
    return mmap(room + strtol(words[1], 0, 0), strtol(words[2], 0, 0), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED;
}
`;
  const runAt = (start: number, length: number, environment?: NodeJS.ProcessEnv) =>
    run(source, [String(start), String(length)], environment);
  const message = 'barproof: a file is mapped over memory that was not reserved for it\n';

  it.each([
    [0x10000, 0x1000],
    [0x2f000, 0x1000],
    [0x10000, 0x20000],
  ])('goes on within its reservation (offset %i, %i bytes)', (start, length) => {
    expect(runAt(start, length)).toEqual({ status: 0, signal: null, stderr: '' });
  });

  it.each([
    [0x2f000, 0x2000],
    [0x30000, 0x1000],
    [0x0f000, 0x1000],
    [0x10000, 0x20001],
  ])('is ended outside its reservation (offset %i, %i bytes)', (start, length) => {
    expect(runAt(start, length)).toEqual({ status: null, signal: 'SIGABRT', stderr: message });
  });

  it.each([0x30800, 0x0f800])('gets EINVAL for an unaligned address (offset %i)', (start) => {
    expect(runAt(start, 0x1000)).toEqual({ status: 1, signal: null, stderr: '' });
  });

  it.each([0x30000, 0x41000])('goes on outside its reservation with BARPROOF_SLACK (offset %i)', (start) => {
    const slack = { BARPROOF_SLACK: String(0x10_0000) };
    expect(runAt(start, 0x1000, slack)).toEqual({ status: 0, signal: null, stderr: '' });
  });
});
