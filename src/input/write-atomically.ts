import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { FOLDER_IS_GONE, isBelowDeletedFolder } from './current-folder.ts';
import { makeFolder } from './make-folder.ts';
import { InvalidInput } from './problem.ts';

/**
 * Writes a file atomically, and the folders on its path. A reader sees the old contents or the new, never a part. A link
 * at the path is replaced, not followed: a stored case cannot send the text out of its store.
 *
 * @param mode the permissions of the file; by default those that the process gives to new files.
 * @throws InvalidInput when the file cannot be written; the temporary file is removed then.
 */
export function writeAtomically(path: string, text: string, mode?: number): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    makeFolder(dirname(path));
    sweep(path);
  } catch (error) {
    throw unwritable(path, error);
  }
  try {
    // A named pipe or a link at this path would send the text elsewhere.
    rmSync(temporary, { force: true });
    writeThrough(temporary, text, mode);
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    discard(temporary);
    throw unwritable(path, error);
  }
}

/** Removes a file that may be there, as far as that is possible: the caller has a better error to tell. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder admits no change, which is why the file could not be written.
  }
}

/** Writes a file and returns once its contents are on the disk. */
function writeThrough(path: string, text: string, mode: number | undefined): void {
  const file = openSync(path, 'wx');
  try {
    if (mode !== undefined) fchmodSync(file, mode & 0o7777);
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Returns when the new name of a file in the folder is on the disk. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** After how many milliseconds the temporary file of a save is a left-over: a save takes far less than a second. */
const LEFT_OVER_MS = 3_600_000;

/** Removes the temporary files that killed saves of this folder's files left behind. */
function sweep(path: string): void {
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    if (!/\.json\.\d+\.tmp$/.test(name)) continue;
    const old = join(folder, name);
    try {
      if (Date.now() - lstatSync(old).mtimeMs > LEFT_OVER_MS) rmSync(old, { force: true });
    } catch {
      // Another process has removed the file, or this user may not. It does no harm.
    }
  }
}

function unwritable(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const message =
    code === 'ENOENT' && isBelowDeletedFolder(path) ? FOLDER_IS_GONE : `the file cannot be written (${code})`;
  return new InvalidInput([{ path, message }]);
}
