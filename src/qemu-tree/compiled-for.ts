import type { Architecture } from '../qemu/process/index.ts';
import { BUILD_TARGETS } from './build-target.ts';

/** A statement `ss.add(when: 'CONFIG_PSERIES', if_true: files('spapr.c'))`; several settings stand in brackets. */
const CONDITIONAL = /\.add\(\s*when:\s*(\[[^\]]*\]|'[^']*')\s*,\s*if_true:\s*files\(([^)]*)\)/g;

/**
 * The targets that compile a file of C: by the setting on which its folder's meson.build makes it depend, or by the
 * folder where it depends on none.
 *
 * @param path in the source.
 * @param meson the text of the meson.build in the file's folder.
 */
export function compiledFor(path: string, meson: string): readonly Architecture[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const settings = [...meson.matchAll(CONDITIONAL)]
    .filter(([, , files]) => files!.includes(`'${name}'`))
    .flatMap(([, condition]) => [...condition!.matchAll(/CONFIG_(\w+)/g)].map(([, setting]) => setting!));
  return Object.values(BUILD_TARGETS)
    .filter(({ devices, selected, folders }) =>
      settings.length === 0
        ? folders.some((folder) => path.startsWith(folder))
        : settings.some((setting) => devices.includes(setting) || selected.includes(setting)),
    )
    .map(({ architecture }) => architecture);
}
