import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programName, type Architecture } from '../architecture.ts';

/** The answers of a fake QEMU. */
export interface FakeBinary {
  readonly version?: string;
  readonly devices?: readonly string[];
  /** Lines of `-M help`. */
  readonly machines?: readonly string[];
}

/** Writes into `folder` a program that answers `--version`, `-device help` and `-M help` as QEMU does, and fails otherwise. */
export function writeFakeQemu(
  folder: string,
  architecture: Architecture,
  { version = 'QEMU emulator version 11.1.3 (Debian 1:11.1.3)', devices = [], machines = [] }: FakeBinary,
): string {
  const path = join(folder, programName(architecture));
  const print = (lines: readonly string[]): string => lines.map((text) => `echo '${text}'`).join('; ') || ':';
  writeFileSync(
    path,
    `#!/bin/sh
case "$1" in
  --version) ${print([version])} ;;
  -device) ${print(['Controller/Bridge/Hub devices:', ...devices.map((name) => `name "${name}", bus PCI`)])} ;;
  -M) ${print(['Supported machines are:', ...machines])} ;;
  *) echo "$0: no such option" >&2; exit 1 ;;
esac
`,
  );
  chmodSync(path, 0o755);
  return path;
}
