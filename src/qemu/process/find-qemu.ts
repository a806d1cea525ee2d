import { constants, statSync } from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import { mayAccess } from '../../input/index.ts';
import { programName, type Architecture } from './architecture.ts';
import { QemuNotFound } from './qemu-error.ts';

/** Where to look for QEMU. */
export interface QemuLocation {
  /** The user's `--qemu`: a program, or a folder that holds `qemu-system-*`. */
  readonly path?: string | undefined;
  /** For the environment variables `BARPROOF_QEMU`, which is like `path`, and `PATH`. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/**
 * The program that emulates `architecture`: in the path that the user named, else in `BARPROOF_QEMU`, else the first in
 * `PATH`. Where the user named `qemu-system-*` of another architecture, the program is looked for in the same folder.
 *
 * @throws QemuNotFound with all places that were searched. A named place is the only one that is searched.
 */
export function findQemu(architecture: Architecture, location: QemuLocation = {}): string {
  const environment = location.environment ?? process.env;
  const named = location.path ?? (environment['BARPROOF_QEMU'] || undefined);
  const program = programName(architecture);
  const candidates =
    named === undefined
      ? (environment['PATH'] ?? '')
          .split(delimiter)
          .filter((folder) => folder !== '')
          .map((folder) => join(folder, program))
      : [candidateAt(resolve(named), program)];
  const found = candidates.find(isProgram);
  if (found !== undefined) return found;
  throw new QemuNotFound(program, named === undefined ? ['PATH'] : candidates);
}

/** The program for a path that the user named. */
function candidateAt(path: string, program: string): string {
  if (isFolder(path)) return join(path, program);
  const name = basename(path);
  return name !== program && name.startsWith('qemu-system-') ? join(path, '..', program) : path;
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

const isProgram = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() === true && mayAccess(path, constants.X_OK);
