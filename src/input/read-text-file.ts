import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { FOLDER_IS_GONE, isBelowDeletedFolder } from './current-folder.ts';
import { decodeText } from './decode-text.ts';
import { InvalidInput } from './problem.ts';
import { MAX_TEXT_BYTES } from './parse-json.ts';

const CHUNK_BYTES = 1 << 16;

/**
 * Reads a text from a file, pipe or device that the user named: UTF-8, or UTF-16 with a byte order mark.
 *
 * @throws InvalidInput when it cannot be read or has more than `MAX_TEXT_BYTES` bytes. The path of the problem is
 *   empty: the caller adds the name of the file by `InvalidInput.within`.
 */
export function readTextFile(path: string): string {
  return mayWait(path) ? endedBySignals(() => readAny(path)) : readAny(path);
}

/** Whether the opening or reading of a file may wait for another program. */
function mayWait(path: string): boolean {
  try {
    const stats = statSync(path);
    return stats.isFIFO() || stats.isCharacterDevice();
  } catch {
    // The opening says why there is nothing to read.
    return false;
  }
}

function readAny(path: string): string {
  const file = open(path, constants.O_RDONLY);
  try {
    return readAll(file);
  } finally {
    closeSync(file);
  }
}

const ENDING_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Calls `act`, which may wait for another program. Meanwhile no listener of a signal could run, so the signals end this
 * program, as they do without listeners.
 */
function endedBySignals<T>(act: () => T): T {
  const taken = ENDING_SIGNALS.map((signal) => ({ signal, listeners: process.rawListeners(signal) }));
  for (const { signal } of taken) process.removeAllListeners(signal);
  try {
    return act();
  } finally {
    for (const { signal, listeners } of taken)
      for (const listener of listeners) process.on(signal, listener as NodeJS.SignalsListener);
  }
}

/**
 * The text of a regular file that the program found, for instance in a folder. A pipe or device there could make the
 * program wait without end.
 *
 * @throws InvalidInput when the file is not regular, cannot be read, or is larger than `MAX_TEXT_BYTES`.
 */
export function readRegularFile(path: string): string {
  // Without O_NONBLOCK, the opening of a named pipe waits for a writer.
  const file = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // The reading of a directory fails at once, with a message of its own.
    const stats = fstatSync(file);
    if (stats.isFile() || stats.isDirectory()) return readAll(file);
    throw new InvalidInput([{ path: '', message: 'this is not a regular file' }]);
  } finally {
    closeSync(file);
  }
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && isBelowDeletedFolder(path))
      throw new InvalidInput([{ path: '', message: FOLDER_IS_GONE }]);
    throw unreadable(error);
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
    if (count === 0) return decodeText(Buffer.concat(chunks));
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
