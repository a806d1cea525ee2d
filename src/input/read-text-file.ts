import { closeSync, openSync, readSync } from 'node:fs';
import { InvalidInput } from './problem.ts';
import { MAX_TEXT_BYTES } from './parse-json.ts';

const CHUNK_BYTES = 1 << 16;

/**
 * Reads a text from a file, pipe or device that the user named.
 *
 * @throws InvalidInput when it cannot be read or has more than `MAX_TEXT_BYTES` bytes. The path of the problem is
 *   empty: the caller adds the name of the file by `InvalidInput.within`.
 */
export function readTextFile(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw unreadable(error);
  }
  try {
    return readAll(file);
  } finally {
    closeSync(file);
  }
}

/** Reads to the end, but no further than the limit: `/dev/zero` has no end. */
function readAll(file: number): string {
  const chunks: Buffer[] = [];
  for (let total = 0; ;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let count: number;
    try {
      count = readSync(file, chunk);
    } catch (error) {
      throw unreadable(error);
    }
    if (count === 0) return Buffer.concat(chunks).toString('utf8');
    chunks.push(chunk.subarray(0, count));
    total += count;
    if (total > MAX_TEXT_BYTES) {
      throw new InvalidInput([{ path: '', message: `the file has more than ${MAX_TEXT_BYTES} bytes` }]);
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'the file may not be read',
  EISDIR: 'this is a directory, not a file',
};

function unreadable(error: unknown): InvalidInput {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  return new InvalidInput([{ path: '', message: REASONS[code] ?? `the file cannot be read (${code})` }]);
}
