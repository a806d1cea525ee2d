import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SHIM_SOURCE } from './shim-source.ts';

const COMPILER_DEADLINE = 60_000;

/** Compilers to try, in this order. */
const compilers = (environment: NodeJS.ProcessEnv): readonly string[] =>
  environment['CC'] ? [environment['CC']] : ['cc', 'gcc', 'clang'];

/**
 * The compiled library that is loaded into QEMU (see `SHIM_SOURCE`); compiled the first time, and again
 * when its source is another. It is kept in the user's cache folder.
 *
 * @param environment for `XDG_CACHE_HOME` and `CC`.
 * @returns its path, or nothing where there is no C compiler that can do it.
 */
export function findShim(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const hash = createHash('sha256').update(SHIM_SOURCE).update(process.arch).digest('hex').slice(0, 16);
  const folder = join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'barproof');
  const path = join(folder, `qemu-shim-${hash}.so`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const source = join(folder, `${process.pid}-shim.c`);
  const result = join(folder, `${process.pid}-shim.so`);
  writeFileSync(source, SHIM_SOURCE);
  try {
    for (const compiler of compilers(environment)) {
      if (!compile(compiler, source, result)) continue;
      // Whoever compiles it at the same time makes the same.
      renameSync(result, path);
      return path;
    }
    return undefined;
  } finally {
    for (const file of [source, result]) rmSync(file, { force: true });
  }
}

function compile(compiler: string, source: string, result: string): boolean {
  try {
    execFileSync(compiler, ['-O2', '-shared', '-fPIC', '-o', result, source, '-ldl'], {
      stdio: 'ignore',
      timeout: COMPILER_DEADLINE,
    });
    return true;
  } catch {
    return false;
  }
}
