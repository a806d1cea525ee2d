import { randomUUID } from 'node:crypto';
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FOLDER_IS_GONE, isBelowDeletedFolder } from './current-folder.ts';
import { InvalidInput } from './problem.ts';

/**
 * Makes a folder and those above it. Node's own `recursive` never returns where a folder such as /proc takes no entry.
 *
 * @param mode the permissions of the new folders; by default those that the process gives to new folders.
 * @returns the folders that were not there, the outermost first.
 * @throws the error of the system.
 */
export function makeFolder(path: string, mode?: number): readonly string[] {
  try {
    return makeOne(path, mode);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return [...makeFolder(dirname(path), mode), ...makeOne(path, mode)];
  }
}

/** @returns nothing where the path is there, also where another process has made it just now. */
function makeOne(path: string, mode: number | undefined): readonly string[] {
  try {
    mkdirSync(path, mode);
    return [path];
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return [];
    throw error;
  }
}

/** How often a folder is tried that another process removes meanwhile, as its own trial ends. */
const ATTEMPTS = 20;

/**
 * Tries whether files can be written into a folder, which need not exist: a search of an hour would be lost otherwise.
 * Leaves nothing behind, but folders into which another process writes meanwhile.
 *
 * @throws InvalidInput with the path.
 */
export function requireWritableFolder(path: string): void {
  if (isBelowDeletedFolder(path)) throw new InvalidInput([{ path, message: FOLDER_IS_GONE }]);
  let failure: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    failure = failureToWrite(path);
    if (failure === undefined) return;
    if (codeOf(failure) !== 'ENOENT') break;
  }
  const code = codeOf(failure);
  if (code === undefined) throw failure;
  const message =
    code === 'ENOTDIR'
      ? 'this is no folder, or below a file; expected a folder'
      : `no file can be written into this folder (${code})`;
  throw new InvalidInput([{ path, message }]);
}

/** @returns the error where a file cannot be written into the folder. */
function failureToWrite(path: string): unknown {
  const made: string[] = [];
  try {
    made.push(...makeFolder(path));
    // No trial that was killed has left a file of this name.
    const probe = join(path, `.${randomUUID()}.tmp`);
    writeFileSync(probe, '', { flag: 'wx' });
    rmSync(probe);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    for (const folder of made.toReversed()) removeUnused(folder);
  }
}

/** Removes a folder, unless another process has removed it, or has written into it. */
function removeUnused(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'ENOENT'].includes(codeOf(error) ?? '')) throw error;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
