import { accessSync, constants, statSync } from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import { programName, type Architecture } from './architecture.ts';
import { QemuNotFound } from './qemu-error.ts';

/** Where to look for QEMU. */
export interface QemuLocation {
  /** What the user named with `--qemu`: a program, or a folder that holds `qemu-system-*`. */
  readonly path?: string | undefined;
  /** Environment variables: `BARPROOF_QEMU`, which is like `path`, and `PATH`. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/**
 * The program that emulates `architecture`: what the user named, else `BARPROOF_QEMU`, else the first in
 * `PATH`. A program that is named and called `qemu-system-` something else stands for its folder: its
 * neighbours are what the other architectures are tested with.
 *
 * @throws QemuNotFound with every place that was looked at. Where a place is named no other is tried.
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
  throw new QemuNotFound(architecture, program, named === undefined ? ['PATH'] : candidates);
}

/** The program that a named path stands for. */
function candidateAt(path: string, program: string): string {
  if (isFolder(path)) return join(path, program);
  const name = basename(path);
  return name !== program && name.startsWith('qemu-system-') ? join(path, '..', program) : path;
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function isProgram(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
