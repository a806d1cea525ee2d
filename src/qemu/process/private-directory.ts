import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TargetUnavailable } from '../../trace/index.ts';
import { undoAtExit } from './leave-nothing-behind.ts';
import { isAlive, pidNamespace } from './pid-namespace.ts';

/** Bytes of a socket's path, the NUL at its end included (unix(7), `sun_path`). */
const SUN_PATH_BYTES = 108;
/** The longest name of a socket in the directory, such as `qtest` or `d12`, in bytes. */
const SOCKET_NAME_BYTES = 8;

const NAMESPACE = pidNamespace();
const PREFIX = `barproof-${process.pid}-${NAMESPACE ?? 'unknown'}-`;
/** How many characters mkdtemp appends. */
const RANDOM_LENGTH = 6;

/** A directory for sockets that only this user may enter. The end of this process removes the directory. */
export class PrivateDirectory {
  readonly path: string;
  readonly #forget: () => void;

  /**
   * Makes the directory, with mode 0700 (mkdtemp): in the system's folder for temporary files, or else in the user's
   * run-time folder or /tmp.
   *
   * @param folders where to make it, the best place first.
   * @throws TargetUnavailable when none of the folders can hold it, with the reason for each.
   */
  constructor(folders: readonly string[] = foldersForSockets()) {
    this.path = makeIn(folders);
    this.#forget = undoAtExit(() => this.#remove());
  }

  /** The path of a file in the directory, at most 107 bytes where `name` has at most 8. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** Removes the directory and its files. May be called again. */
  remove(): void {
    this.#forget();
    this.#remove();
  }

  #remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The folders that may hold sockets, the best first. */
function foldersForSockets(): readonly string[] {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  return [...new Set([tmpdir(), ...(runtime ? [runtime] : []), '/tmp'])];
}

function makeIn(folders: readonly string[]): string {
  const reasons: string[] = [];
  for (const folder of folders) {
    const reason = whyTooLong(folder);
    try {
      if (reason === undefined) {
        sweep(folder);
        return mkdtempSync(join(folder, PREFIX));
      }
      reasons.push(`${folder} ${reason}`);
    } catch (error) {
      reasons.push(`${folder} ${reasonOf(error)}`);
    }
  }
  throw new TargetUnavailable(
    `no folder can hold the sockets to QEMU: ${reasons.join('; ')}. Name a short, writable folder in TMPDIR.`,
  );
}

function whyTooLong(folder: string): string | undefined {
  const bytes = Buffer.byteLength(join(folder, PREFIX)) + RANDOM_LENGTH + 1 + SOCKET_NAME_BYTES;
  if (bytes < SUN_PATH_BYTES) return undefined;
  return `is too long: a socket in it would have a path of ${bytes} bytes, and ${SUN_PATH_BYTES - 1} are allowed`;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a folder',
  EACCES: 'is not writable for this user',
  EROFS: 'is on a read-only file system',
  ENOSPC: 'is on a full disk',
};

function reasonOf(error: unknown): string {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  // No other folder would help a process that may open no more files.
  if (code === 'EMFILE' || code === 'ENFILE') throw error;
  return REASONS[code] ?? `cannot be used (${code})`;
}

const swept = new Set<string>();

/**
 * Removes, once in this process, the directories of barproof processes that were killed by SIGKILL. A directory of
 * another PID namespace stays: the number of its process says nothing here, and the process may run.
 */
function sweep(folder: string): void {
  if (swept.has(folder) || NAMESPACE === undefined) return;
  swept.add(folder);
  for (const name of readdirSync(folder)) {
    const [, owner, namespace] = /^barproof-(\d+)-(\w+)-\w{6}$/.exec(name) ?? [];
    if (namespace !== NAMESPACE || isAlive(Number(owner))) continue;
    const path = join(folder, name);
    try {
      if (lstatSync(path).uid === process.getuid?.()) rmSync(path, { recursive: true, force: true });
    } catch {
      // Another barproof has removed the directory in the meantime.
    }
  }
}
