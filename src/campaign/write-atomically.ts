import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { InvalidInput } from '../scenario/index.ts';

/**
 * Writes a file so that whoever looks sees the old contents or the new, never a part.
 *
 * @throws InvalidInput when it cannot be written; nothing is left behind then.
 */
export function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(temporary, 'w');
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new InvalidInput([{ path, message: `the file cannot be written (${code})` }]);
  }
}
