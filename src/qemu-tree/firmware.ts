import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildTarget } from './build-target.ts';
import { TreeFailure } from './tree-error.ts';

/** Where distributions put firmware: their sources of QEMU have none. */
const SYSTEM_FOLDERS = ['/usr/share/qemu', '/usr/share/seabios', '/usr/share/slof'];

/**
 * The folders of firmware for QEMU's option -L, the first one first. Without firmware no machine starts, and then every
 * patch "changes nothing".
 *
 * @param source the folder of the source.
 * @param targets the targets whose firmware must be there.
 * @param system the folders of the distribution.
 * @throws TreeFailure where no folder has the firmware of a target.
 */
export function firmwareFolders(
  source: string,
  targets: readonly Pick<BuildTarget, 'firmware'>[],
  system: readonly string[] = SYSTEM_FOLDERS,
): readonly string[] {
  const folders = [join(source, 'pc-bios'), ...system].filter((folder) => existsSync(folder));
  for (const { firmware } of targets) {
    if (firmware === undefined || folders.some((folder) => existsSync(join(folder, firmware.file)))) continue;
    throw new TreeFailure(
      'tree',
      `the source has no pc-bios/${firmware.file}: put one there, or install the firmware of your distribution (package ${firmware.package})`,
    );
  }
  return folders;
}
