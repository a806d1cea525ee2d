import { spawnSync } from 'node:child_process';
import { ARCHITECTURES, type Architecture } from '../qemu/process/index.ts';
import { BUILD_TARGETS } from './build-target.ts';
import { isInPath } from './tool-set.ts';

/** Whether this machine can build a QEMU of its source, and for which targets. */
export interface BuildProbe {
  readonly name: string;
  /** `optional`: everything but `validate --qemu-tree` can be done without. */
  readonly state: 'present' | 'optional';
  readonly detail: string;
  readonly remedy?: string;
}

/** The programs that a build of QEMU starts, with Debian's packages of them. */
const PROGRAMS: readonly (readonly [program: string, packager: string])[] = [
  ['git', 'git'],
  ['cc', 'build-essential'],
  ['ninja', 'ninja-build'],
  ['flex', 'flex'],
  ['bison', 'bison'],
  ['python3', 'python3-venv'],
  ['pkg-config', 'pkg-config'],
];

/** The libraries of every target, by their names for pkg-config. */
const LIBRARIES: readonly (readonly [library: string, packager: string])[] = [
  ['glib-2.0', 'libglib2.0-dev'],
  ['zlib', 'zlib1g-dev'],
];

/** What is asked of the machine. */
export interface BuildSurroundings {
  readonly hasProgram: (name: string) => boolean;
  /** Whether pkg-config knows the library. */
  readonly hasLibrary: (name: string) => boolean;
}

const MACHINE: BuildSurroundings = {
  hasProgram: isInPath,
  hasLibrary: (name) => spawnSync('pkg-config', ['--exists', name], { stdio: 'ignore' }).status === 0,
};

/** Checks what `validate --qemu-tree` needs for a build. */
export function probeBuild({ hasProgram, hasLibrary }: BuildSurroundings = MACHINE): BuildProbe {
  const name = 'builds of QEMU';
  const missing = [
    ...PROGRAMS.filter(([program]) => !hasProgram(program)),
    // Without pkg-config it is not known which libraries are there.
    ...(hasProgram('pkg-config') ? LIBRARIES.filter(([library]) => !hasLibrary(library)) : []),
  ];
  if (missing.length > 0) {
    const remedy = `for validate --qemu-tree, install ${missing.map(([, packager]) => packager).join(', ')}`;
    return { name, state: 'optional', detail: `no ${missing.map(([what]) => what).join(', ')}`, remedy };
  }
  const lacking = (architecture: Architecture): boolean =>
    BUILD_TARGETS[architecture].libraries.some(({ name: library }) => !hasLibrary(library));
  const able = ARCHITECTURES.filter((architecture) => !lacking(architecture));
  const others = ARCHITECTURES.filter(lacking);
  const detail = `of a source, for ${able.join(', ')} (validate --qemu-tree)`;
  if (others.length === 0) return { name, state: 'present', detail };
  const libraries = others.flatMap((architecture) => BUILD_TARGETS[architecture].libraries);
  const packages = [...new Set(libraries.map(({ package: packager }) => packager))];
  const remedy = `for ${others.join(', ')}, install ${packages.join(', ')}`;
  return { name, state: 'present', detail, remedy };
}
