import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TreeFailure } from './tree-error.ts';

/** The BIOS of the machines pc and q35. Without it no machine starts, and then every patch "changes nothing". */
const BIOS = 'bios-256k.bin';
/** Where distributions put firmware: their sources of QEMU have none. */
const SYSTEM_FOLDERS = ['/usr/share/qemu', '/usr/share/seabios'];

/**
 * The folders of firmware for QEMU's option -L, the first one first.
 *
 * @param source the folder of the source.
 * @param system the folders of the distribution.
 * @throws TreeFailure where no folder has a BIOS.
 */
export function firmwareFolders(
  source: string,
  system: readonly string[] = SYSTEM_FOLDERS,
): readonly string[] {
  const folders = [join(source, 'pc-bios'), ...system].filter((folder) => existsSync(folder));
  if (folders.some((folder) => existsSync(join(folder, BIOS)))) return folders;
  throw new TreeFailure(
    'tree',
    `the source has no pc-bios/${BIOS}: put one there, or install the firmware of your distribution (package seabios)`,
  );
}
