import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { InvalidInput, MAX_TEXT_BYTES } from '../scenario/index.ts';

/**
 * The text of a file that somebody named.
 *
 * @throws InvalidInput when it cannot be read or is too large to be what is asked for.
 */
export function readTextFile(path: string): string {
  const refuse = (message: string): InvalidInput => new InvalidInput([{ path, message }]);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw refuse(reasonOf(error));
  }
  try {
    const { size } = fstatSync(file);
    if (size > MAX_TEXT_BYTES) throw refuse(`the file has ${size} bytes; at most ${MAX_TEXT_BYTES} are read`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw error instanceof InvalidInput ? error : refuse(reasonOf(error));
  } finally {
    closeSync(file);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'the file may not be read',
  EISDIR: 'this is a directory, not a file',
};

function reasonOf(error: unknown): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? `the file cannot be read (${code})`;
}
