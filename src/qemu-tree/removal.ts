import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeFolder } from '../input/index.ts';
import { FileLock } from './file-lock.ts';

/** How the folders begin that hold what is being removed. */
const REMOVED = 'removed';
const AGAIN_MS = 20;

/**
 * Removes a folder of the cache whole: a part of it, which a killed removal would leave, could not be told from a base.
 *
 * @param root of the cache.
 */
export function removeWhole(root: string, folder: string): void {
  if (!existsSync(folder)) return;
  const lock = takeShared(root);
  try {
    // Each removal has a folder of its own: another process may end its own removal meanwhile.
    const removed = mkdtempSync(join(root, `${REMOVED}-`));
    try {
      renameSync(folder, join(removed, basename(folder)));
    } finally {
      remove(removed);
    }
  } finally {
    lock.release();
  }
}

/** Removes what killed removals have left, unless a removal goes on. @param root of the cache, which may not exist. */
export function finishRemovals(root: string): void {
  const left = existsSync(root) ? readdirSync(root).filter((name) => name.startsWith(REMOVED)) : [];
  if (left.length === 0) return;
  const lock = FileLock.tryTake(lockOf(root), 'exclusive');
  try {
    if (lock !== undefined) for (const name of left) remove(join(root, name));
  } finally {
    lock?.release();
  }
}

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });

/** All removals share the lock, so that none is taken for one that was killed. */
function lockOf(root: string): string {
  const locks = join(root, 'locks');
  makeFolder(locks, 0o700);
  return join(locks, REMOVED);
}

function takeShared(root: string): FileLock {
  for (;;) {
    const lock = FileLock.tryTake(lockOf(root), 'shared');
    if (lock !== undefined) return lock;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS);
  }
}
