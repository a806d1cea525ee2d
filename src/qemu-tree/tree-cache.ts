import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { InvalidInput, makeFolder, printable, userCacheFolder } from '../input/index.ts';
import { isBelowFile, sizeOf } from './on-disk.ts';
import { FileLock, type LockKind } from './file-lock.ts';
import { finishRemovals, removeWhole } from './removal.ts';
import { TreeFailure } from './tree-error.ts';

/** Bits of a file's mode that let others write (chmod(2)). */
const WRITABLE_BY_OTHERS = 0o022;
/** The most that the cache holds, in bytes, if the user says nothing else: some 25 bases. */
const DEFAULT_LIMIT = 8 * 2 ** 30;
/** The most that the user may say, in GiB: no disk is larger. */
const MOST_GIB = 1_000_000;
/** How many patches on a base are kept: each is a QEMU of 30 MB. */
const MOST_PATCHES = 20;
const ABOUT = 'about.json';
const BASES = 'bases';
const UNPACKED = 'unpacked';

/** Whether patches can be built on a base at once. */
export type BaseState = 'built' | 'not finished' | 'does not link';

/** What the cache tells of a base that was built. */
export interface CachedBase {
  readonly key: string;
  /** The title of the commit; the key if no build has described the base yet. */
  readonly title: string;
  readonly configuration: string;
  readonly state: BaseState;
  readonly bytes: number;
  /** How many patches were built on it. */
  readonly patches: number;
  readonly used: Date;
  readonly isInUse: boolean;
}

/** A base in the cache, and what has been built on it. */
export class CacheEntry {
  readonly key: string;
  readonly folder: string;
  readonly #locks: string;

  constructor(root: string, key: string) {
    this.key = key;
    this.folder = join(root, BASES, key);
    this.#locks = join(root, 'locks', key);
  }

  /** The folder of the QEMU that was built of the base. */
  get base(): string {
    return join(this.folder, 'base');
  }

  /** Says by its presence that the base does not link; holds the linker's words. */
  get linkFailureFile(): string {
    return join(this.folder, 'does-not-link');
  }

  get state(): BaseState {
    return existsSync(this.base)
      ? 'built'
      : existsSync(this.linkFailureFile)
        ? 'does not link'
        : 'not finished';
  }

  /** Says that the entry is used: it is the last that is removed. */
  touch(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const now = new Date();
    utimesSync(this.folder, now, now);
  }

  /** The lock that keeps the entry: shared by all that use it, exclusive for its removal. */
  keep(kind: LockKind): FileLock | undefined {
    return FileLock.tryTake(`${this.#locks}.used`, kind);
  }

  /** Waits until no other process builds in the entry. */
  build(options: Parameters<typeof FileLock.take>[2]): Promise<FileLock> {
    return FileLock.take(`${this.#locks}.built`, 'exclusive', options);
  }

  /** Waits for a removal that goes on. */
  use(options: Parameters<typeof FileLock.take>[2]): Promise<FileLock> {
    return FileLock.take(`${this.#locks}.used`, 'shared', options);
  }

  get #patches(): string {
    return join(this.folder, 'patched');
  }

  /** The folder of a patch that was built, or will be: it is the last that is removed. */
  patch(digest: string): string {
    const folder = join(this.#patches, digest);
    const now = new Date();
    if (existsSync(folder)) utimesSync(folder, now, now);
    return folder;
  }

  /** Removes the patches that were used longest ago, if there are more than 20. Only who builds in the entry may. */
  removeOldPatches(): void {
    const all = this.#patches;
    const used = (name: string): number =>
      lstatSync(join(all, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    for (const name of readdirSync(all)
      .toSorted((a, b) => used(b) - used(a))
      .slice(MOST_PATCHES))
      rmSync(join(all, name), { recursive: true, force: true });
  }

  /** Notes what the entry holds, before it is built. */
  describe(title: string, configuration: string): void {
    writeFileSync(join(this.folder, ABOUT), JSON.stringify({ title, configuration }));
  }

  /** Notes how large the entry is, so that no one has to look at ten thousand files again. */
  measure(): void {
    const about = readAbout(join(this.folder, ABOUT));
    writeFileSync(join(this.folder, ABOUT), JSON.stringify({ ...about, bytes: sizeOf(this.folder) }));
  }
}

/** QEMUs that were built, each base with its source, its objects and the QEMUs of patches on it. */
export class TreeCache {
  readonly root: string;
  /** The most that it holds, in bytes. */
  readonly limit: number;

  /**
   * The folder is made when something is put into it.
   *
   * @param limit bytes.
   * @throws TreeFailure where the folder cannot be, and where another user can write to the folder: QEMUs in it are run.
   */
  constructor(root: string, limit: number = DEFAULT_LIMIT) {
    // configure and ninja take a path with such characters apart.
    if (/[\s'"$`\\:;&|<>()*?#]/.test(root))
      throw new TreeFailure(
        'tree',
        `QEMU cannot be built in ${printable(root)}: name a path without spaces in XDG_CACHE_HOME`,
      );
    this.root = root;
    this.limit = limit;
    if (isBelowFile(root))
      throw new TreeFailure(
        'tree',
        `the cache cannot be ${root}: a part of this path is a file; name a folder in XDG_CACHE_HOME`,
      );
    if (existsSync(root)) this.#examine();
  }

  /** The entry of a base, which may be empty. */
  entry(key: string): CacheEntry {
    this.#make();
    return new CacheEntry(this.root, key);
  }

  /** Where the objects of unpacked sources are kept. */
  unpacked(): string {
    this.#make();
    return join(this.root, UNPACKED);
  }

  /** The bases, the one that was used last first. */
  list(): readonly CachedBase[] {
    const bases = join(this.root, BASES);
    if (!existsSync(bases)) return [];
    return readdirSync(bases)
      .map((key) => this.#look(key))
      .toSorted((a, b) => b.used.getTime() - a.used.getTime());
  }

  /**
   * Removes the bases that were used longest ago until the cache keeps its limit.
   *
   * @param kept the key of a base that stays.
   */
  shrink(kept: string): void {
    let bytes = 0;
    for (const { key, bytes: own } of this.list()) {
      bytes += own;
      if (bytes > this.limit && key !== kept) this.#remove(key);
    }
  }

  /** Removes every base that no process uses. @returns how many bytes were freed, and how many bases are in use. */
  clear(): { readonly freed: number; readonly inUse: number } {
    let [freed, inUse] = [0, 0];
    finishRemovals(this.root);
    for (const { key, bytes } of this.list()) {
      if (this.#remove(key)) freed += bytes;
      else inUse++;
    }
    if (inUse === 0) {
      const unpacked = join(this.root, UNPACKED);
      freed += sizeOf(unpacked);
      removeWhole(this.root, unpacked);
    }
    return { freed, inUse };
  }

  #make(): void {
    try {
      for (const name of [BASES, 'locks', UNPACKED]) makeFolder(join(this.root, name), 0o700);
    } catch (error) {
      throw new TreeFailure(
        'tree',
        `the cache ${this.root} cannot be made (${(error as NodeJS.ErrnoException).code})`,
      );
    }
    this.#examine();
  }

  #examine(): void {
    const { uid, mode } = statSync(this.root);
    if (uid !== process.getuid!())
      throw new TreeFailure('tree', `the cache ${this.root} belongs to another user`);
    if ((mode & WRITABLE_BY_OTHERS) !== 0)
      throw new TreeFailure('tree', `other users can write to the cache ${this.root}`);
  }

  #look(key: string): CachedBase {
    const entry = this.entry(key);
    const about = readAbout(join(entry.folder, ABOUT));
    const lock = entry.keep('exclusive');
    lock?.release();
    const patched = join(entry.folder, 'patched');
    return {
      key,
      title: about.title ?? key,
      configuration: about.configuration ?? '',
      state: entry.state,
      bytes: about.bytes ?? sizeOf(entry.folder),
      patches: existsSync(patched) ? readdirSync(patched).length : 0,
      used: statSync(entry.folder).mtime,
      isInUse: lock === undefined,
    };
  }

  #remove(key: string): boolean {
    const entry = this.entry(key);
    const lock = entry.keep('exclusive');
    if (lock === undefined) return false;
    try {
      removeWhole(this.root, entry.folder);
    } finally {
      lock.release();
    }
    return true;
  }
}

/**
 * The user's cache.
 *
 * @param environment for `XDG_CACHE_HOME` and `BARPROOF_CACHE_GIB`, the most that the cache holds: 0 to 1000000 GiB.
 * @throws InvalidInput for another number of GiB.
 */
export function openTreeCache(environment: NodeJS.ProcessEnv = process.env): TreeCache {
  const gib = environment['BARPROOF_CACHE_GIB'];
  const folder = join(userCacheFolder(environment), 'qemu-tree');
  if (gib === undefined || gib === '') return new TreeCache(folder);
  if (!/^\d+(?:\.\d+)?$/.test(gib) || Number(gib) > MOST_GIB) {
    const message = `"${gib}": expected GiB from 0 to ${MOST_GIB}, such as 8`;
    throw new InvalidInput([{ path: 'BARPROOF_CACHE_GIB', message }]);
  }
  return new TreeCache(folder, Number(gib) * 2 ** 30);
}

interface About {
  readonly title?: string;
  readonly configuration?: string;
  /** Left out while the entry is built. */
  readonly bytes?: number;
}

function readAbout(path: string): About {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as About;
  } catch {
    return {};
  }
}
