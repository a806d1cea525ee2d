import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { userCacheFolder } from '../../input/index.ts';
import { PrivateDirectory } from '../process/private-directory.ts';

/** Bits of a file's mode that let others write (chmod(2)). */
const WRITABLE_BY_OTHERS = 0o022;
/** Hex digits of a hash in a file's name. */
const HASH_DIGITS = 16;
/** After how many milliseconds a file of an unfinished compilation is a left-over. */
const LEFT_OVER_MS = 3_600_000;

const UNFINISHED = /^\d+-[0-9a-f]+-shim\.so$/;

/**
 * A folder of compiled libraries. Their names hold a hash of the sources and one of the library itself. QEMU runs what
 * is in the folder, so nothing in it is trusted: the folder and the file must be this user's, no other user may write to
 * them, and the contents must have the hash of the name.
 */
export class ShimCache {
  readonly #folder: string;

  /** @throws NodeJS.ErrnoException when the folder cannot be made; Error when another user can write to it. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    if (uid !== process.getuid!()) throw new Error(`${folder} belongs to another user`);
    if ((mode & WRITABLE_BY_OTHERS) !== 0) throw new Error(`other users can write to ${folder}`);
    this.#folder = folder;
  }

  /**
   * The library of these sources, if the cache holds a sound one. The call removes those whose contents are wrong. One
   * with the right contents stays until `add` has another, because a QEMU of another process may be about to load it: a
   * busy system may be the only reason why the library does not answer.
   *
   * @param answers whether a library can be loaded.
   */
  find(sources: string, answers: (path: string) => boolean): string | undefined {
    let found: string | undefined;
    for (const name of readdirSync(this.#folder)) {
      const path = join(this.#folder, name);
      const hash = name.startsWith(`qemu-shim-${sources}-`) ? /-([0-9a-f]+)\.so$/.exec(name)?.[1] : undefined;
      if (hash !== undefined) {
        if (hashOf(path) !== hash) rmSync(path, { recursive: true, force: true });
        else if (answers(path)) found ??= path;
      } else if (UNFINISHED.test(name) && isOld(path)) rmSync(path, { force: true });
    }
    return found;
  }

  /**
   * Makes a library and stores it.
   *
   * @param make compiles the library to a path, and says whether the library is sound.
   * @returns the path; nothing where the library is not sound.
   */
  add(sources: string, make: (path: string) => boolean): string | undefined {
    const made = join(this.#folder, `${process.pid}-${randomBytes(4).toString('hex')}-shim.so`);
    try {
      if (!make(made)) return undefined;
      sync(made);
      const path = join(this.#folder, `qemu-shim-${sources}-${hashOf(made)}.so`);
      // A process that compiles at the same time renames an equal file to the same path.
      renameSync(made, path);
      for (const name of readdirSync(this.#folder)) {
        const other = join(this.#folder, name);
        if (name.startsWith(`qemu-shim-${sources}-`) && other !== path) rmSync(other, { force: true });
      }
      sync(this.#folder);
      return path;
    } finally {
      rmSync(made, { force: true });
    }
  }
}

/**
 * The user's cache folder, or a folder that the end of this process removes where the cache cannot be used: there is no
 * home folder, it is not writable, or other users can write to it.
 */
export function openShimCache(environment: NodeJS.ProcessEnv): ShimCache {
  try {
    return new ShimCache(userCacheFolder(environment));
  } catch {
    ownFolder ??= new PrivateDirectory();
    return new ShimCache(ownFolder.at('shim'));
  }
}

let ownFolder: PrivateDirectory | undefined;

/** The hash of a regular file of this user to which no other user can write; nothing for any other file. */
function hashOf(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const stats = fstatSync(file);
    const isOurs = stats.uid === process.getuid!() && (stats.mode & WRITABLE_BY_OTHERS) === 0;
    if (!stats.isFile() || !isOurs) return undefined;
    return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, HASH_DIGITS);
  } finally {
    closeSync(file);
  }
}

const isOld = (path: string): boolean =>
  Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > LEFT_OVER_MS;

/** Returns when a file or folder is on the disk. */
function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
