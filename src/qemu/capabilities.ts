import { TargetUnavailable } from '../trace/index.ts';
import {
  architectureOf,
  ARCHITECTURES,
  programName,
  QEMU_MACHINES,
  type Architecture,
  type QemuMachineType,
} from './process/architecture.ts';
import { findQemu, type QemuLocation } from './process/find-qemu.ts';
import { inspectQemu } from './process/inspect-qemu.ts';
import { probeQemu, type QemuProbe } from './process/probe-qemu.ts';
import { QemuNotFound } from './process/qemu-error.ts';
import { revisionOfVersion } from './revision-of-version.ts';
import { lookForShim } from './shim/shim.ts';

/** Something that tests on a real QEMU need, and whether it is there. */
export interface Capability {
  readonly name: string;
  /** `optional`: it is missing, and most scenarios can run without it. */
  readonly state: 'present' | 'missing' | 'optional';
  /** What was found, or why it cannot be used. */
  readonly detail: string;
  /** What the user can do about it; absent where nothing is to be done. */
  readonly remedy?: string;
}

/** The abilities of this machine. */
export interface Capabilities {
  readonly checks: readonly Capability[];
  /** The machines for which scenarios can run on a real QEMU. */
  readonly machines: readonly QemuMachineType[];
  /** Why no scenario can run; absent where some can. */
  readonly obstacle: string | undefined;
}

const INSTALL =
  'install QEMU 10.1 or later (a checkout has .ci/install-qemu), or name its folder by --qemu or BARPROOF_QEMU';

/**
 * Looks for everything that scenarios on a real QEMU need. The search starts each QEMU that it finds, and compiles
 * the shim if no process has compiled it before.
 *
 * @param location where to look for QEMU.
 * @param inspect starts a program and throws QemuUnusable when barproof cannot drive it.
 */
export async function probeCapabilities(
  location: QemuLocation = {},
  inspect: (binary: string) => Promise<unknown> = inspectQemu,
): Promise<Capabilities> {
  const environment = location.environment ?? process.env;
  const shim = probeShim(environment);
  const answersKernel = shim.state === 'present';
  const programs = await Promise.all(
    ARCHITECTURES.map(async (architecture) =>
      probeProgram(architecture, location, { inspect, answersKernel }),
    ),
  );
  const descriptors = await probeDescriptors();
  const machines = programs.flatMap((program) => program.machines);
  const broken = descriptors.find(({ state }) => state === 'missing');
  const obstacle =
    broken !== undefined
      ? `${broken.name}: ${broken.detail}`
      : programs.every(({ capability }) => capability.state === 'missing')
        ? 'no QEMU with the device vfio-user-pci was found'
        : machines.length === 0
          ? `no QEMU that was found has one of the machines ${QEMU_MACHINES.join(', ')}`
          : undefined;
  return {
    checks: [...programs.map(({ capability }) => capability), ...descriptors, shim],
    machines: obstacle === undefined ? machines : [],
    obstacle,
  };
}

async function probeProgram(
  architecture: Architecture,
  location: QemuLocation,
  {
    inspect,
    answersKernel,
  }: { readonly inspect: (binary: string) => Promise<unknown>; readonly answersKernel: boolean },
): Promise<{ readonly capability: Capability; readonly machines: readonly QemuMachineType[] }> {
  const name = programName(architecture);
  const missing = (detail: string) => ({
    capability: { name, state: 'missing', detail, remedy: INSTALL } as const,
    machines: [],
  });
  try {
    const probe = await probeQemu(findQemu(architecture, location));
    const found = `${probe.version} at ${probe.binary}`;
    const drivers = [
      ...(probe.vfioUser ? ['vfio-user-pci'] : []),
      // The shim answers for the kernel.
      ...(probe.vfio && answersKernel ? ['vfio-pci'] : []),
    ];
    if (drivers.length === 0) return missing(`${found}, without the device vfio-user-pci`);
    // A QEMU that was built without qtest fails only when it starts.
    await inspect(probe.binary);
    const machines = machinesOf(architecture, probe);
    const list = machines.join(', ') || `no machine ${QEMU_MACHINES.join(', ')}`;
    const detail = [found, ...drivers, list, heldTo(probe.version)].join(', ');
    return { capability: { name, state: 'present', detail }, machines };
  } catch (error) {
    if (error instanceof QemuNotFound) return missing('not found');
    if (error instanceof TargetUnavailable) return missing(error.message);
    throw error;
  }
}

/** The revision that a QEMU of this version is held to. */
const heldTo = (version: string): string => {
  const revision = revisionOfVersion(version);
  return revision === undefined ? 'held to no revision of the model' : `held to ${revision.id}`;
};

/** The machines of scenarios that the program has. */
const machinesOf = (architecture: Architecture, { machines, machineAliases }: QemuProbe): QemuMachineType[] =>
  QEMU_MACHINES.filter(
    (type) =>
      architectureOf(type) === architecture && (machines.includes(type) || machineAliases.includes(type)),
  );

/** The server sends file descriptors to QEMU (koffi), and the memory of BARs is in memory files (memfd). */
async function probeDescriptors(): Promise<Capability[]> {
  const loaded = await loadKoffi();
  if ('failure' in loaded) {
    const remedy = 'install again for this platform: npm ci';
    return [{ name: 'koffi', state: 'missing', detail: loaded.failure, remedy }];
  }
  const { koffi } = loaded;
  return [{ name: 'koffi', state: 'present', detail: koffi.version }, probeMemfd(koffi)];
}

type Koffi = typeof import('koffi');

async function loadKoffi(): Promise<{ readonly koffi: Koffi } | { readonly failure: string }> {
  try {
    const { default: koffi } = (await import('koffi')) as unknown as { readonly default: Koffi };
    return { koffi };
  } catch (error) {
    return { failure: (error as Error).message.split('\n')[0]! };
  }
}

const CLOEXEC = 1;

function probeMemfd(koffi: Koffi): Capability {
  const name = 'memfd';
  const remedy = 'the QEMU target needs Linux 3.17 or later';
  if (process.platform !== 'linux') {
    return { name, state: 'missing', detail: `${process.platform} has no memfd_create`, remedy };
  }
  try {
    const libc = koffi.load(null);
    const create = libc.func('int memfd_create(const char *name, unsigned int flags)');
    const descriptor = create('barproof-doctor', CLOEXEC) as number;
    if (descriptor < 0) return { name, state: 'missing', detail: 'memfd_create fails', remedy };
    libc.func('int close(int fd)')(descriptor);
    return { name, state: 'present', detail: 'memfd_create works' };
  } catch (error) {
    return { name, state: 'missing', detail: (error as Error).message, remedy };
  }
}

function probeShim(environment: NodeJS.ProcessEnv): Capability {
  const name = 'shim in QEMU';
  const consequence =
    'scenarios with larger host pages than those of this machine are skipped, ' +
    'and a QEMU that maps over its own memory is not noticed';
  try {
    const found = lookForShim(environment);
    if ('path' in found) return { name, state: 'present', detail: found.path };
    const remedy = 'install gcc or clang, or name a compiler in CC';
    return { name, state: 'optional', detail: `${found.missing}: ${consequence}`, remedy };
  } catch (error) {
    const remedy = 'name a writable folder in TMPDIR';
    return { name, state: 'optional', detail: `${(error as Error).message}: ${consequence}`, remedy };
  }
}
