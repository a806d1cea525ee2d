import { cpuOf, type Scenario } from '../scenario/index.ts';
import { driverOf, NO_ACPI_FOR_BRIDGES } from './guest/machine-driver.ts';
import type { MachineHost } from './guest/machine-host.ts';
import { SHARED_RAM, VfioUserHost } from './guest/vfio-user-host.ts';
import { RunningMachine } from './guest/running-machine.ts';
import { architectureOf, type Architecture, type QemuMachineType } from './process/architecture.ts';
import { findQemu, type QemuLocation } from './process/find-qemu.ts';
import { inspectQemu, type QemuInspection } from './process/inspect-qemu.ts';
import type { PrivateDirectory } from './process/private-directory.ts';
import { QemuDied, QemuUnusable } from './process/qemu-error.ts';
import { QemuProcess } from './process/qemu-process.ts';
import { isReleaseBefore } from './process/release.ts';
import { findShim } from './shim/shim.ts';
import { windowArguments } from './window-arguments.ts';

/** Bytes of address space that the shim leaves free behind every reservation of a QEMU that overshoots. */
const SLACK = 8n << 30n;

/** The properties of a machine that a running QEMU cannot change. */
export interface MachineSetup {
  readonly type: QemuMachineType;
  /** Bytes of guest RAM. */
  readonly ram: bigint;
  /** Bytes of a host page as QEMU sees it. */
  readonly hostPageSize: bigint;
  /** QEMU's arguments for what the scenario says of CPU and PCI windows. */
  readonly arguments: readonly string[];
}

/** The setup of a scenario's machine. */
export const setupOf = ({ machine, host }: Scenario): MachineSetup => ({
  type: machine.type as QemuMachineType,
  ram: machine.ram,
  hostPageSize: machine.hostPageSize,
  // The CPU that the host implies is QEMU's own with vfio-user alone.
  arguments: windowArguments(
    host.iommu.type === 'vfio-user' ? machine : { ...machine, cpu: cpuOf({ machine, host }) },
  ),
});

/** QEMU's arguments for a machine and its RAM. @param ramBackend QEMU's object for the RAM, without id and size. */
export function machineArguments(setup: MachineSetup, ramBackend: string = SHARED_RAM): readonly string[] {
  const { arguments: words, ram: name } = driverOf(setup.type);
  return [
    ...words,
    ...['-object', `${ramBackend},id=${name},size=${setup.ram}`],
    ...['-machine', `memory-backend=${name}`, '-m', `${setup.ram}B`],
    ...setup.arguments,
  ];
}

/** How a machine is started. */
export interface StartOptions {
  /** QEMU's arguments beside those of the machine and its RAM. */
  readonly arguments: readonly string[];
  /** The directory of the sockets. QEMU gets a directory of its own where left out. */
  readonly directory?: PrivateDirectory;
  /** The host of the machine; vfio-user servers where left out. */
  readonly host?: MachineHost;
  /** Whether the shim leaves address space free where QEMU is known to map beyond its reservations. */
  readonly withSlack?: boolean;
}

/** A version with its package: `QEMU 11.1.3 (Debian 1:11.1.3+ds-1)`. */
export const versionText = ({
  version,
  package: packager,
}: Pick<QemuInspection, 'version' | 'package'>): string =>
  packager ? `QEMU ${version} (${packager})` : `QEMU ${version}`;

/** The arguments that a QEMU of this version knows. */
function withoutUnknown(words: readonly string[], version: string): readonly string[] {
  // The property comes after its option, `-global`.
  const property = words.indexOf(NO_ACPI_FOR_BRIDGES);
  return property > 0 && isReleaseBefore(version, '6.1') ? words.toSpliced(property - 1, 2) : words;
}

/** Where to look for QEMU, and how patiently to wait for it. */
export interface StarterOptions extends QemuLocation {
  /**
   * How many milliseconds QEMU may take for its start, and for each answer; `answerDeadline()` when left out. A QEMU that takes
   * longer counts as one that hangs.
   */
  readonly deadlineMs?: number | undefined;
}

/** Finds QEMU and starts machines. */
export class MachineStarter {
  /** The path of the shim; absent without a C compiler. */
  readonly shim: string | undefined;
  readonly #options: StarterOptions;
  readonly #inspections = new Map<Architecture, Promise<QemuInspection>>();
  /** The processes that have not ended. */
  readonly #running = new Set<QemuProcess>();
  #closed = false;

  constructor(options: StarterOptions) {
    this.shim = findShim(options.environment);
    this.#options = options;
  }

  /**
   * Version and abilities of the QEMU for a machine.
   *
   * @throws QemuNotFound, QemuUnusable; the latter also where this QEMU does not have the machine.
   */
  async inspect(type: QemuMachineType): Promise<QemuInspection> {
    const inspection = await this.#inspect(type);
    const { binary, machines, version } = inspection;
    if (!machines.has(type)) throw new QemuUnusable(binary, `QEMU ${version} has no machine ${type}`);
    return inspection;
  }

  #inspect(type: QemuMachineType): Promise<QemuInspection> {
    const architecture = architectureOf(type);
    let inspection = this.#inspections.get(architecture);
    if (inspection === undefined) {
      inspection = Promise.resolve().then(() => inspectQemu(findQemu(architecture, this.#options)));
      this.#inspections.set(architecture, inspection);
    }
    return inspection;
  }

  /** The revision that a trace names: `QEMU 11.1.3 (Debian 1:11.1.3+ds-1)`. */
  async revisionFor({ machine }: Scenario): Promise<string> {
    return versionText(await this.inspect(machine.type as QemuMachineType));
  }

  /** Starts a machine. @throws QemuDied, QemuHangs where QEMU does not come up. */
  async start(setup: MachineSetup, options: StartOptions): Promise<RunningMachine> {
    const qemu = await this.#startProcess(setup, options);
    this.#running.add(qemu);
    void qemu.ended.then(() => this.#running.delete(qemu));
    try {
      if (this.#closed) throw new Error('the target was closed while QEMU started');
      const driver = driverOf(setup.type);
      const host = options.host ?? new VfioUserHost(qemu.directory, driver.ram);
      const running = await RunningMachine.adopt(qemu, driver, host);
      requireShim(qemu.output.since(0), (await this.inspect(setup.type)).binary);
      return running;
    } catch (error) {
      await qemu.end();
      throw error;
    }
  }

  /** Ends all processes, also those that run a scenario, and starts no other. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running].map((qemu) => qemu.end()));
  }

  async #startProcess(
    setup: MachineSetup,
    { arguments: more, directory, host, withSlack = false }: StartOptions,
  ): Promise<QemuProcess> {
    const { accelerator: idle, binary, endsWithParent, version } = await this.inspect(setup.type);
    const accelerator = host?.accelerator ?? idle;
    const { shim } = this;
    const start = QemuProcess.start({
      binary,
      endsWithParent,
      directory,
      accelerator,
      deadlineMs: this.#options.deadlineMs,
      unanswered: host?.unanswered,
      arguments: [
        // Without qtest the guest's CPUs must not run.
        ...(accelerator === 'qtest' ? [] : ['-S']),
        ...machineArguments(setup, host?.ramBackend),
        ...(host?.arguments ?? []),
        ...withoutUnknown(more, version),
      ],
      environment: {
        ...(shim !== undefined && { LD_PRELOAD: shim, BARPROOF_PAGE_SIZE: String(setup.hostPageSize) }),
        ...host?.environment,
        ...(withSlack && { BARPROOF_SLACK: String(SLACK) }),
      },
    });
    return start.catch((error: unknown) => {
      if (error instanceof QemuDied) requireShim(error.lastLines, binary);
      throw error;
    });
  }
}

/** What the dynamic linker prints about a library that it cannot load. The program then runs without the library. */
const NOT_LOADED = /^ERROR: ld\.so: object '.*' from LD_PRELOAD cannot be preloaded/;

/** @throws QemuUnusable when QEMU runs without the shim: it would ask the kernel of this machine. */
function requireShim(lines: readonly string[], binary: string): void {
  const line = lines.find((text) => NOT_LOADED.test(text));
  if (line !== undefined) throw new QemuUnusable(binary, line);
}
