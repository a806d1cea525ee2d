import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../../input/index.ts';
import { openShimCache } from './shim-cache.ts';

const COMPILER_DEADLINE_MS = 60_000;
const OPTIONS = ['-std=gnu11', '-O2', '-shared', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra'];

/** The folder of the C files. */
const FOLDER = join(packageFolder(), 'src', 'qemu', 'shim');

/** How many milliseconds a program with the library may take to start. */
const ANSWER_DEADLINE_MS = 20_000;
/** What the library prints where BARPROOF_ASK is set (signals.c). */
const ANSWER = 'barproof: the shim is loaded';

/** Compilers to try, in this order, each with its options. `CC` may hold options, as in `gcc -m64`. */
function compilers(environment: NodeJS.ProcessEnv): readonly (readonly string[])[] {
  const named = environment['CC']?.trim();
  if (!named) return [['cc'], ['gcc'], ['clang']];
  return [existsSync(named) ? [named] : named.split(/\s+/)];
}

/** The library, or why there is none, in one clause. */
export type ShimSearch = { readonly path: string } | { readonly missing: string };

/**
 * The compiled library that barproof loads into QEMU (see shim.h). It makes QEMU see other host pages, ends a QEMU
 * that maps a file over its own memory, and reports the call stack of a fatal signal. The call compiles the library
 * the first time, and again when the C files have changed. The user's cache folder keeps the result. Where that folder
 * cannot be used, the library lives as long as this process.
 *
 * @param environment for `XDG_CACHE_HOME` and `CC`.
 * @throws Error when the package lacks the C files; TargetUnavailable when no folder can hold the library.
 */
export function lookForShim(environment: NodeJS.ProcessEnv = process.env): ShimSearch {
  const sources = hashOfSources();
  const cache = openShimCache(environment);
  const cached = cache.find(sources, answers);
  if (cached !== undefined) return { path: cached };
  let compiled = false;
  for (const [compiler, ...options] of compilers(environment)) {
    const made = cache.add(sources, (path) => {
      if (!compileShim(compiler!, path, options)) return false;
      compiled = true;
      chmodSync(path, 0o755);
      return answers(path);
    });
    if (made !== undefined) return { path: made };
  }
  if (compiled) return { missing: 'a program with the compiled library does not start' };
  const { CC: named } = environment;
  return { missing: named ? `CC="${named}" cannot compile the library` : 'no C compiler' };
}

/** The same as `lookForShim`. @returns the path of the library, or nothing where there is none. */
export function findShim(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const found = lookForShim(environment);
  return 'path' in found ? found.path : undefined;
}

/** Whether a program starts with the library and the library answers. The linker only warns of a broken library. */
function answers(path: string): boolean {
  const { stderr } = spawnSync(process.execPath, ['--version'], {
    env: { LD_PRELOAD: path, BARPROOF_ASK: '1' },
    encoding: 'utf8',
    timeout: ANSWER_DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  return (stderr ?? '').includes(ANSWER);
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
    .map((name) => join(FOLDER, name));
  try {
    execFileSync(compiler, [...OPTIONS, ...options, '-o', result, ...sources], {
      stdio: 'ignore',
      timeout: COMPILER_DEADLINE_MS,
      killSignal: 'SIGKILL',
    });
    return true;
  } catch {
    return false;
  }
}

/** The names of the C files and their header, in a fixed order. */
function filesOfShim(): readonly string[] {
  if (!existsSync(join(FOLDER, 'shim.h')))
    throw new Error('barproof is not installed properly: src/qemu/shim has no C files');
  return readdirSync(FOLDER)
    .filter((name) => /\.[ch]$/.test(name))
    .toSorted();
}

function hashOfSources(): string {
  const hash = createHash('sha256').update(process.arch).update(OPTIONS.join(' '));
  for (const name of filesOfShim()) hash.update(name).update(readFileSync(join(FOLDER, name)));
  return hash.digest('hex').slice(0, 16);
}
