import type { Architecture } from '../qemu/process/index.ts';
import { BUILD_TARGETS, type BuildTarget } from './build-target.ts';

/** A statement `ss.add(when: 'CONFIG_PSERIES', if_true: files('spapr.c'))`; several settings, which must all be there, stand in brackets. */
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
  const conditions = [...meson.matchAll(CONDITIONAL)]
    .filter(([, , files]) => files!.includes(`'${name}'`))
    .map(([, condition]) => [...condition!.matchAll(/CONFIG_(\w+)/g)].map(([, setting]) => setting!))
    .filter((settings) => settings.length > 0);
  return Object.values(BUILD_TARGETS)
    .filter((target) =>
      conditions.length === 0
        ? target.folders.some((folder) => path.startsWith(folder))
        : conditions.some((settings) => holds(settings, target)),
    )
    .map(({ architecture }) => architecture);
}

/** Settings that every target with VFIO has, because its devices select them. */
const COMMON = ['PCI', 'VFIO'];

/** Whether a target has all settings of a condition. */
const holds = (settings: readonly string[], { devices, selected }: BuildTarget): boolean =>
  settings.every((one) => COMMON.includes(one) || devices.includes(one) || selected.includes(one));
