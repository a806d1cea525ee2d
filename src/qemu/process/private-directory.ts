import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { undoAtExit } from './leave-nothing-behind.ts';

const PREFIX = 'barproof-';

/** A directory for sockets that only this user may enter. The end of this process removes the directory. */
export class PrivateDirectory {
  readonly path: string;
  readonly #forget: () => void;

  /** Makes the directory in the system's folder for temporary files, with mode 0700 (mkdtemp). */
  constructor() {
    sweep();
    this.path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    this.#forget = undoAtExit(() => this.#remove());
  }

  /** The path of a file in the directory. The path of a UNIX socket must be shorter than 108 bytes. */
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

let swept = false;

/** Removes, once in this process, the directories of barproof processes that were killed by SIGKILL. */
function sweep(): void {
  if (swept) return;
  swept = true;
  for (const name of readdirSync(tmpdir())) {
    const owner = /^barproof-(\d+)-\w{6}$/.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // The directory belongs to another user.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
