import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

/** flock(2). */
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const AGAIN_MS = 200;

export type LockKind = 'shared' | 'exclusive';

/** A lock on a file (flock(2)). The kernel releases it when this process ends, however it ends. */
export class FileLock {
  #file: number | undefined;

  private constructor(file: number) {
    this.#file = file;
  }

  /** The lock, or nothing where another process holds one that does not go with it. */
  static tryTake(path: string, kind: LockKind): FileLock | undefined {
    // Files that node opens are closed in the programs that it starts.
    const file = openSync(path, 'a', 0o600);
    if (flock(file, kind)) return new FileLock(file);
    closeSync(file);
    return undefined;
  }

  /**
   * Waits for the lock.
   *
   * @param onWait called once where another process holds it.
   * @throws the reason of the signal.
   */
  static async take(
    path: string,
    kind: LockKind,
    { signal, onWait }: { readonly signal?: AbortSignal | undefined; readonly onWait?: () => void } = {},
  ): Promise<FileLock> {
    for (let waited = false; ; waited = true) {
      signal?.throwIfAborted();
      const lock = FileLock.tryTake(path, kind);
      if (lock !== undefined) return lock;
      if (!waited) onWait?.();
      await sleep(AGAIN_MS);
    }
  }

  /** The open file: a program that holds it open holds the lock. */
  get file(): number {
    return this.#file!;
  }

  release(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

type Flock = (file: number, operation: number) => number;
let call: Flock | undefined;

/** @returns whether the lock was given. */
function flock(file: number, kind: LockKind): boolean {
  // koffi is native code, and is loaded only where it is needed.
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  call ??= koffi.load(null).func('int flock(int file, int operation)') as unknown as Flock;
  return call(file, (kind === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0;
}
