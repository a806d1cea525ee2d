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
  const make = (): readonly string[] => {
    mkdirSync(path, mode);
    return [path];
  };
  try {
    return make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return [];
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    return [...makeFolder(dirname(path), mode), ...make()];
  }
}

/**
 * Tries whether files can be written into a folder, which need not exist: a search of an hour would be lost otherwise.
 * Leaves nothing behind.
 *
 * @throws InvalidInput with the path.
 */
export function requireWritableFolder(path: string): void {
  if (isBelowDeletedFolder(path)) throw new InvalidInput([{ path, message: FOLDER_IS_GONE }]);
  const probe = join(path, `.${process.pid}.tmp`);
  let made: readonly string[] = [];
  try {
    made = makeFolder(path);
    writeFileSync(probe, '', { flag: 'wx' });
    rmSync(probe);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const message =
      code === 'ENOTDIR'
        ? 'this is no folder, or below a file; expected a folder'
        : `no file can be written into this folder (${code})`;
    throw new InvalidInput([{ path, message }]);
  } finally {
    for (const folder of made.toReversed()) rmdirSync(folder);
  }
}
