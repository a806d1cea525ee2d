import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  FOLDER_IS_GONE,
  InvalidInput,
  isBelowDeletedFolder,
  mayAccess,
  writeAtomically,
} from '../input/index.ts';
import { writeOut } from './write-out.ts';

/** What a file that the user named is: a regular file, or a pipe, a device or a stream of this process. */
export type NamedFileKind = 'file' | 'stream';

/** A file that the user named, open for text that comes in pieces. */
export interface OpenNamedFile {
  /** Writes at once. Behind a failure, or when the reader of a pipe is gone, nothing is written any more. */
  write(text: string): void;
  /** @throws InvalidInput when something could not be written. */
  close(): void;
}

/** A pipe waits so long for its reader, which the user's shell may start later than this program. */
const READER_DEADLINE_MS = 10_000;
const READER_POLL_MS = 20;
const FULL_PIPE_POLL_MS = 5;
const MOST_LINKS = 40;

/**
 * Writes a file that the user named for output, as a shell does by `>`: a link is followed, and a pipe or device is
 * written into. A regular file is replaced atomically and keeps its permissions. No folder is made.
 *
 * Files inside a store are written by `writeAtomically`, which follows no link.
 *
 * @throws InvalidInput when the file cannot be written, with the path as the user gave it.
 */
export async function writeNamedFile(path: string, text: string): Promise<NamedFileKind> {
  requireWritable(path);
  const info = infoOf(path);
  const own = ownStream(info);
  if (own !== undefined) {
    await (own === process.stdout ? writeOut(text) : void own.write(text));
    return 'stream';
  }
  const isFile = info === undefined || info.isFile();
  // Where only the file may be changed and not its folder, as in a container, the file is written in place.
  if (isFile && (info === undefined || mayAccess(dirname(targetOf(path)), constants.W_OK))) {
    await asOf(path, () => writeAtomically(targetOf(path), text, info?.mode));
    return 'file';
  }
  await asOf(path, async () => {
    const file = await open(path, info);
    try {
      await writeAll(file, Buffer.from(text));
    } finally {
      closeSync(file);
    }
  });
  return isFile ? 'file' : 'stream';
}

/**
 * Opens a file that the user named, for lines that are read while they are written.
 *
 * @throws InvalidInput as `writeNamedFile`.
 */
export async function openNamedFile(path: string): Promise<OpenNamedFile> {
  requireWritable(path);
  const info = infoOf(path);
  const own = ownStream(info);
  if (own !== undefined) return { write: (text) => void own.write(text), close: () => undefined };
  const file = await asOf(path, () => open(path, info));
  let ended: { readonly reason: string | undefined } | undefined;
  return {
    write: (text) => {
      if (ended !== undefined) return;
      try {
        if (!writeNow(file, Buffer.from(text))) ended = { reason: undefined };
      } catch (error) {
        ended = { reason: unwritable(error) };
      }
    },
    close: () => {
      closeSync(file);
      if (ended?.reason !== undefined) throw new InvalidInput([{ path, message: ended.reason }]);
    },
  };
}

/** A search of an hour would be lost if its result could not be written. @throws InvalidInput */
export function requireWritable(path: string): void {
  const reason = whyNotWritable(path);
  if (reason !== undefined) throw new InvalidInput([{ path, message: reason }]);
}

function whyNotWritable(path: string): string | undefined {
  try {
    if (isBelowDeletedFolder(path)) return FOLDER_IS_GONE;
    const info = infoOf(path);
    if (ownStream(info) !== undefined) return undefined;
    if (info === undefined) return whyNoNewFile(targetOf(path));
    if (info.isDirectory()) return 'this is a folder; expected a file';
    if (info.isBlockDevice()) return 'this is a disk, whose contents would be lost; expected a file';
    if (info.isSocket()) return 'this is a socket; expected a file, a pipe or a device';
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return unwritable(error);
  }
}

function whyNoNewFile(target: string): string | undefined {
  const folder = dirname(target);
  if (/[/\\]$/.test(target) || ['', '.', '..'].includes(basename(target)))
    return 'this is a folder; expected a file';
  const info = statSync(folder, { throwIfNoEntry: false });
  if (info === undefined) return `there is no folder ${folder}; make it first`;
  accessSync(`${folder}/.`, constants.W_OK);
  return undefined;
}

const unwritable = (error: unknown): string => {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  if (code === 'ENOTDIR') return 'a part of the path is a file, not a folder';
  return `the file cannot be written (${code})`;
};

/** Does the work, and names the file as the user did where the work fails. @throws InvalidInput */
async function asOf<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InvalidInput)
      throw new InvalidInput(error.problems.map((problem) => ({ ...problem, path })));
    throw new InvalidInput([{ path, message: unwritable(error) }]);
  }
}

const infoOf = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false });

/**
 * The stream of this process that already writes to this file: `/dev/stdout`, or the file to which the user's shell
 * sent the output. Opened anew, the file would lose what the stream has written.
 */
function ownStream(info: Stats | undefined): NodeJS.WriteStream | undefined {
  if (info === undefined) return undefined;
  return [process.stdout, process.stderr].find((stream, index) => {
    try {
      const { dev, ino, rdev } = fstatSync(index + 1);
      return dev === info.dev && ino === info.ino && rdev === info.rdev && stream.writable;
    } catch {
      // The user's shell has closed the stream.
      return false;
    }
  });
}

/** The file at the end of a chain of links; it need not exist. */
function targetOf(path: string): string {
  let target = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    if (lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return target;
    target = resolve(realpathSync(dirname(target)), readlinkSync(target));
  }
  throw Object.assign(new Error(`more than ${MOST_LINKS} links`), { code: 'ELOOP' });
}

/** Opens a file to be written in place. A pipe is waited for until a program reads from it. */
async function open(path: string, info: Stats | undefined): Promise<number> {
  if (info === undefined || info.isFile()) return openSync(path, 'w');
  const end = performance.now() + READER_DEADLINE_MS;
  for (;;) {
    try {
      // Without O_NONBLOCK the opening of a pipe would wait, and no signal could end the program.
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO' || !info.isFIFO()) throw error;
      if (performance.now() > end)
        throw new InvalidInput([{ path, message: 'no program reads from this pipe' }]);
      await wait(READER_POLL_MS);
    }
  }
}

/** Writes all bytes, at the pace of the reader. A reader that is gone is not waited for. */
async function writeAll(file: number, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    const written = writeSome(file, rest);
    if (written === undefined) return;
    rest = rest.subarray(written);
    if (written === 0) await wait(FULL_PIPE_POLL_MS);
  }
}

/** The same without a turn of the event loop. @returns whether there is a reader. */
function writeNow(file: number, bytes: Uint8Array): boolean {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (let rest = bytes; rest.length > 0;) {
    const written = writeSome(file, rest);
    if (written === undefined) return false;
    rest = rest.subarray(written);
    if (written === 0) Atomics.wait(sleeper, 0, 0, FULL_PIPE_POLL_MS);
  }
  return true;
}

/** @returns how many bytes were written: none if a pipe is full, `undefined` if its reader is gone. */
function writeSome(file: number, bytes: Uint8Array): number | undefined {
  try {
    return writeSync(file, bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return 0;
    if (code === 'EPIPE') return undefined;
    throw error;
  }
}
