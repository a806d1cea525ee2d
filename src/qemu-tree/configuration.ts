import type { Architecture } from '../qemu/process/index.ts';
import { ACCELERATORS, buildTargets, configuredName, programOf, type BuildTarget } from './build-target.ts';

/** How a QEMU is configured. */
export interface Configuration {
  /** For people, and for the key of the cache. */
  readonly name: string;
  readonly targets: readonly ConfiguredTarget[];
  /** Words for configure beside those of every configuration. */
  readonly words: readonly string[];
}

/** A target of a configuration. */
export interface ConfiguredTarget extends Pick<BuildTarget, 'architecture' | 'firmware'> {
  /** Of the target in configure: `x86_64-softmmu`. */
  readonly name: string;
  readonly program: string;
  /** The lines of a file in configs/devices; QEMU's own defaults where left out. */
  readonly devices?: readonly string[];
}

/** The name of our files in configs/devices. */
export const DEVICES_NAME = 'barproof';

/** How many devices are built. */
interface Extent {
  readonly name: string;
  /** Settings for each target beside its own; QEMU's defaults where left out. */
  readonly more?: readonly string[];
}

/**
 * The fastest to build first. Some commits do not link with few devices, because QEMU's own developers seldom build so:
 * then more devices are built.
 */
const EXTENTS: readonly Extent[] = [
  { name: 'few devices', more: [] },
  { name: 'few devices, and all of PCI,', more: ['PCI_DEVICES', 'TEST_DEVICES'] },
  { name: "QEMU's default devices" },
];

/** The configurations to try for these targets, the fastest to build first. */
export function configurationsFor(architectures: readonly Architecture[]): readonly Configuration[] {
  const targets = buildTargets(architectures);
  const targetList = `--target-list=${targets.map(configuredName).join(',')}`;
  const accelerators = ACCELERATORS.map((name) => {
    const isNeeded = targets.some(({ accelerator }) => accelerator === name);
    return `--${isNeeded ? 'enable' : 'disable'}-${name}`;
  });
  return EXTENTS.map(({ name, more }) => ({
    name: `${name} for ${targets.map(({ architecture }) => architecture).join(', ')}`,
    targets: targets.map((target) => configured(target, more)),
    words: [
      targetList,
      ...accelerators,
      ...(more === undefined
        ? []
        : [
            '--without-default-devices',
            ...targets.map(({ architecture }) => `--with-devices-${architecture}=${DEVICES_NAME}`),
          ]),
    ],
  }));
}

const setting = (name: string): string => `CONFIG_${name}=y`;

const configured = (target: BuildTarget, more: Extent['more']): ConfiguredTarget => ({
  architecture: target.architecture,
  ...(target.firmware && { firmware: target.firmware }),
  name: configuredName(target),
  program: programOf(target),
  ...(more && { devices: [...target.devices, ...more].map(setting) }),
});

/** Words that every configuration gets. An older configure does not know all of them: it gets those that it knows. */
export const COMMON_WORDS = [
  '--without-default-features',
  '--enable-pie',
  // A warning of a newer compiler is no fault of the patch.
  '--disable-werror',
  '--disable-docs',
  '--disable-tools',
  '--disable-download',
  // Blobs are read from the source; installing them would unpack megabytes.
  '--disable-install-blobs',
  '-Doptimization=0',
  '-Ddebug=false',
  // The call stack of a signal names functions that the program exports, as those of a QEMU with modules.
  '--extra-ldflags=-rdynamic',
  // The line tables name the place of a signal. Behind the options of QEMU itself, these ones win.
  '--extra-cflags=-O0 -g1',
];
