import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMPILER_DEADLINE_MS = 60_000;
const OPTIONS = ['-std=gnu11', '-O2', '-shared', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra'];

/** The folder of the C files: that of this file, or the package's `src` where this file was built into `dist`. */
const FOLDER = ['./', '../../../../src/qemu/shim/']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((folder) => existsSync(join(folder, 'shim.h')));

/** Compilers to try, in this order. */
const compilers = (environment: NodeJS.ProcessEnv): readonly string[] =>
  environment['CC'] ? [environment['CC']] : ['cc', 'gcc', 'clang'];

/**
 * The compiled library that barproof loads into QEMU (see shim.h). It makes QEMU see other host pages, ends a QEMU
 * that maps a file over its own memory, and reports the call stack of a fatal signal. The call compiles the library
 * the first time, and again when the C files have changed. The user's cache folder keeps the result.
 *
 * @param environment for `XDG_CACHE_HOME` and `CC`.
 * @returns the path of the library, or nothing without a C compiler that can build it.
 * @throws Error when the cache folder cannot be written, or the package lacks the C files.
 */
export function findShim(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const folder = join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'barproof');
  const path = join(folder, `qemu-shim-${hashOfSources()}.so`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const result = join(folder, `${process.pid}-shim.so`);
  try {
    for (const compiler of compilers(environment)) {
      if (!compileShim(compiler, result)) continue;
      // A process that compiles at the same time renames an equal file to the same path.
      renameSync(result, path);
      return path;
    }
    return undefined;
  } finally {
    rmSync(result, { force: true });
  }
}

/**
 * Compiles the C files.
 *
 * @param options of the compiler, beside those that the library needs.
 * @returns whether the compiler succeeded.
 */
export function compileShim(compiler: string, result: string, options: readonly string[] = []): boolean {
  const sources = filesOfShim()
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(FOLDER!, name));
  try {
    execFileSync(compiler, [...OPTIONS, ...options, '-o', result, ...sources], {
      stdio: 'ignore',
      timeout: COMPILER_DEADLINE_MS,
    });
    return true;
  } catch {
    return false;
  }
}

/** The names of the C files and their header, in a fixed order. */
export function filesOfShim(): readonly string[] {
  if (FOLDER === undefined)
    throw new Error('barproof is not installed properly: src/qemu/shim has no C files');
  return readdirSync(FOLDER)
    .filter((name) => /\.[ch]$/.test(name))
    .toSorted();
}

function hashOfSources(): string {
  const hash = createHash('sha256').update(process.arch).update(OPTIONS.join(' '));
  for (const name of filesOfShim()) hash.update(name).update(readFileSync(join(FOLDER!, name)));
  return hash.digest('hex').slice(0, 16);
}
