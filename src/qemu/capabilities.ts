import {
  architectureOf,
  ARCHITECTURES,
  type Architecture,
  type QemuMachineType,
} from './process/architecture.ts';
import { findQemu, type QemuLocation } from './process/find-qemu.ts';
import { inspectQemu } from './process/inspect-qemu.ts';
import { probeQemu, type QemuProbe } from './process/probe-qemu.ts';
import { QemuNotFound, QemuUnusable } from './process/qemu-error.ts';
import { findShim } from './shim/shim.ts';

/** Whether a thing is there, why that matters, and what to do where it is not. */
export interface Capability {
  readonly name: string;
  /** `optional`: it is not there, and the rest can be tested all the same. */
  readonly state: 'present' | 'missing' | 'optional';
  /** What was found, or why it is not usable. */
  readonly detail: string;
  /** What would mend it. */
  readonly remedy?: string;
}

/** What can be tested on this machine. */
export interface Capabilities {
  readonly checks: readonly Capability[];
  /** The machines for which scenarios can run on a real QEMU. */
  readonly machines: readonly QemuMachineType[];
  /** Why none can; nothing where some can. */
  readonly obstacle: string | undefined;
}

const MACHINES: readonly QemuMachineType[] = ['pc', 'q35', 'virt', 'pseries'];
const INSTALL =
  'install QEMU 10.1 or later (a checkout has .ci/install-qemu), or name its folder by --qemu or BARPROOF_QEMU';

/**
 * Looks for everything that running scenarios on a real QEMU needs. Starts the QEMU programs that it
 * finds to ask them what they are, and compiles the shim if that has not been done yet.
 *
 * @param location where to look for QEMU.
 * @param inspect makes sure that a program can be driven; @throws QemuUnusable when it cannot.
 */
export async function probeCapabilities(
  location: QemuLocation = {},
  inspect: (binary: string) => Promise<unknown> = inspectQemu,
): Promise<Capabilities> {
  const environment = location.environment ?? process.env;
  const programs = await Promise.all(
    ARCHITECTURES.map(async (architecture) => probeProgram(architecture, location, inspect)),
  );
  const descriptors = await probeDescriptors();
  const shim = probeShim(environment);
  const machines = programs.flatMap(({ architecture, probe }) =>
    probe === undefined ? [] : ownMachines(architecture, probe),
  );
  const broken = descriptors.find(({ state }) => state === 'missing');
  const obstacle =
    broken !== undefined
      ? `${broken.name}: ${broken.detail}`
      : programs.every(({ probe }) => probe === undefined)
        ? 'no QEMU with vfio-user-pci was found'
        : machines.length === 0
          ? `none of the QEMU programs has a machine ${MACHINES.join(', ')}`
          : undefined;
  return {
    checks: [...programs.map(({ capability }) => capability), ...descriptors, shim],
    machines: obstacle === undefined ? machines : [],
    obstacle,
  };
}

interface ProgramProbe {
  readonly architecture: Architecture;
  readonly capability: Capability;
  /** Of a program that can be tested. */
  readonly probe?: QemuProbe;
}

async function probeProgram(
  architecture: Architecture,
  location: QemuLocation,
  inspect: (binary: string) => Promise<unknown>,
): Promise<ProgramProbe> {
  const name = `qemu-system-${architecture}`;
  try {
    const probe = await probeQemu(findQemu(architecture, location));
    const { version, binary, vfioUser } = probe;
    const found = `${version} at ${binary}`;
    if (!vfioUser) {
      const capability: Capability = {
        name,
        state: 'missing',
        detail: `${found}, without vfio-user-pci`,
        remedy: INSTALL,
      };
      return { architecture, capability };
    }
    // Some are built without qtest: that shows only when one starts.
    await inspect(binary);
    const machines = ownMachines(architecture, probe).join(', ') || 'none of our machines';
    const capability: Capability = { name, state: 'present', detail: `${found}, vfio-user-pci, ${machines}` };
    return { architecture, capability, probe };
  } catch (error) {
    if (!(error instanceof QemuNotFound || error instanceof QemuUnusable)) throw error;
    const detail = error instanceof QemuNotFound ? 'not found' : error.message;
    return { architecture, capability: { name, state: 'missing', detail, remedy: INSTALL } };
  }
}

/** Those of our machines that the program is meant for, and has. */
const ownMachines = (
  architecture: Architecture,
  { machines, machineAliases }: QemuProbe,
): QemuMachineType[] =>
  MACHINES.filter(
    (type) =>
      architectureOf(type) === architecture && (machines.includes(type) || machineAliases.includes(type)),
  );

/** File descriptors are passed to QEMU, and BAR memory lives in them. */
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
    return { name, state: 'missing', detail: `there is none on ${process.platform}`, remedy };
  }
  try {
    const c = koffi.load(null);
    const create = c.func('int memfd_create(const char *name, unsigned int flags)') as (
      name: string,
      flags: number,
    ) => number;
    const close = c.func('int close(int fd)') as (fd: number) => number;
    const descriptor = create('barproof-doctor', CLOEXEC);
    if (descriptor < 0) return { name, state: 'missing', detail: 'memfd_create fails', remedy };
    close(descriptor);
    return { name, state: 'present', detail: 'memfd_create works' };
  } catch (error) {
    return { name, state: 'missing', detail: (error as Error).message, remedy };
  }
}

function probeShim(environment: NodeJS.ProcessEnv): Capability {
  const name = 'shim in QEMU';
  const consequence =
    'scenarios with other host pages than those of this machine are skipped, ' +
    'and where QEMU maps over its own memory goes unseen';
  try {
    const path = findShim(environment);
    if (path !== undefined) return { name, state: 'present', detail: path };
    const remedy = 'install gcc or clang, or name a compiler in CC';
    return { name, state: 'optional', detail: `no C compiler: ${consequence}`, remedy };
  } catch (error) {
    const remedy = 'name a folder that can be written to in XDG_CACHE_HOME';
    return { name, state: 'optional', detail: `${(error as Error).message}: ${consequence}`, remedy };
  }
}
