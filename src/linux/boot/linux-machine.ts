import { writeFileSync } from 'node:fs';
import {
  findQemu,
  isEndOfQemu,
  LineConnection,
  PrivateDirectory,
  type QemuLocation,
  QemuProcess,
} from '../../qemu/process/index.ts';
import { AgentClient, type AgentAnswer } from '../agent/agent-client.ts';
import { buildAgent } from '../agent/build-agent.ts';
import type { EmulatedIommu } from '../emulated-iommus.ts';
import { untilAborted } from '../until-aborted.ts';
import type { SessionDevice } from '../session/host-session.ts';
import { servedDevice, serveHostDevice } from './host-device.ts';
import type { DmaContainer } from '../../vfio-user/index.ts';
import type { ArchiveEntry } from './cpio.ts';
import { makeInitramfs } from './initramfs.ts';
import type { InstalledKernel } from './installed-kernels.ts';
import { CONSOLE_LINES, LinuxStopped } from './linux-error.ts';
import { machineArguments, portBus, PORTS, qemuArchitecture } from './machine-arguments.ts';

/** What programs that run in the kernel need. */
export interface ProgramOptions {
  readonly files: readonly ArchiveEntry[];
  /** The number of connections to programs: `/dev/vport0p2` in the kernel, and so on. */
  readonly connections: number;
}

/** The machine to boot. */
export interface LinuxMachineOptions {
  readonly kernel: InstalledKernel;
  readonly iommu: EmulatedIommu;
  /** Where to look for QEMU. */
  readonly qemu?: QemuLocation | undefined;
  /** Files of the initramfs, and the names of connections, for programs that run in the kernel. */
  readonly programs?: ProgramOptions | undefined;
  /** Ends the boot early. */
  readonly signal?: AbortSignal | undefined;
}

/** In milliseconds. A distribution's kernel boots in 11 to 20 s on idle cores, and more slowly on a busy machine. */
const BOOT_DEADLINE = 180_000;
/** How many milliseconds a batch of calls may take. The agent limits each single call. */
const BATCH_DEADLINE = 120_000;

/** What a boot hands to the machine. */
interface MachineParts {
  readonly qemu: QemuProcess;
  readonly agent: AgentClient;
  readonly closeConnections: () => void;
  readonly programConnections: readonly LineConnection[];
}

/** The caller has ended a boot. */
export class BootEnded extends Error {
  override readonly name = 'BootEnded';
}

/** A Linux kernel that runs in QEMU, and the agent in it. */
export class LinuxMachine {
  readonly kernel: InstalledKernel;
  /** The IOMMU in front of the devices. */
  readonly iommu: EmulatedIommu;
  /** Milliseconds from the start of QEMU to the agent's first line. */
  readonly bootTime: number;
  /** The connections to programs in the kernel, in order. */
  readonly programConnections: readonly LineConnection[];
  readonly #qemu: QemuProcess;
  readonly #closeConnections: () => void;
  readonly #agent: AgentClient;
  readonly #servers: (() => Promise<void>)[] = [];
  #ports = 0;

  private constructor({ kernel, iommu }: LinuxMachineOptions, bootTime: number, parts: MachineParts) {
    this.kernel = kernel;
    this.iommu = iommu;
    this.bootTime = bootTime;
    this.programConnections = parts.programConnections;
    this.#qemu = parts.qemu;
    this.#closeConnections = parts.closeConnections;
    this.#agent = parts.agent;
  }

  /**
   * Boots a kernel and waits for its agent.
   *
   * @throws TargetUnavailable without a QEMU or a compiler for the agent
   * @throws LinuxStopped when the kernel does not boot; the error has the last lines of its console
   * @throws BootEnded after the signal
   */
  static async boot(options: LinuxMachineOptions): Promise<LinuxMachine> {
    const { kernel, iommu, qemu: location, programs, signal } = options;
    const binary = findQemu(qemuArchitecture(kernel.architecture), location);
    const initramfs = makeInitramfs({
      agent: buildAgent(kernel.architecture),
      modules: kernel.modules,
      files: programs?.files ?? [],
    });
    const started = Date.now();
    const directory = new PrivateDirectory();
    const files = {
      ...{ kernel: kernel.image, initramfs: directory.at('initramfs'), agentSocket: directory.at('agent') },
      programSockets: Array.from({ length: programs?.connections ?? 0 }, (_, index) =>
        directory.at(`program${index}`),
      ),
    };
    writeFileSync(files.initramfs, initramfs);
    const connection = await LineConnection.listen(files.agentSocket);
    const programConnections = await Promise.all(
      files.programSockets.map((path) => LineConnection.listen(path)),
    );
    const closeConnections = (): void => {
      for (const one of [connection, ...programConnections]) one.close();
    };
    const agent = new AgentClient(connection);
    const qemu = await QemuProcess.start({
      binary,
      directory,
      arguments: machineArguments(iommu, files),
      accelerator: 'tcg,thread=multi',
      endsWithParent: true,
    }).catch((error: unknown) => {
      closeConnections();
      throw error;
    });
    try {
      const ended = (): Error => new BootEnded('the boot was ended');
      const ready = untilAborted(() => agent.ready(), signal, ended);
      await qemu.whileAlive(ready, 'the boot of the kernel', BOOT_DEADLINE);
      const parts = { qemu, agent, closeConnections, programConnections };
      return new LinuxMachine(options, Date.now() - started, parts);
    } catch (error) {
      const stopped = isEndOfQemu(error) ? new LinuxStopped(error, qemu.output.since(0)) : error;
      closeConnections();
      await qemu.end();
      throw stopped;
    }
  }

  /** The folder of the machine's sockets and files. `end` removes it. */
  get directory(): string {
    return this.#qemu.directory.path;
  }

  /** The process id of QEMU. */
  get pid(): number {
    return this.#qemu.pid;
  }

  /** The last lines of the kernel's console, and what QEMU printed. */
  get console(): readonly string[] {
    return this.#qemu.output.since(0).slice(-CONSOLE_LINES);
  }

  /** Whether another device can be plugged in. */
  get hasRoom(): boolean {
    return this.#ports < PORTS;
  }

  /**
   * Lets the agent execute commands, in one round trip.
   *
   * @returns the answers, in order
   * @throws LinuxStopped when the kernel or QEMU has ended, or does not answer
   */
  call(commands: readonly string[]): Promise<readonly AgentAnswer[]> {
    const answers = Promise.all(this.#agent.send(commands));
    return this.#whileRunning(answers, `${commands.length} calls of the agent`);
  }

  /**
   * Plugs a device into the next free port: a vfio-user device that barproof serves, or QEMU's own nvme where the
   * IOMMU accepts no vfio-user device. The device stays until the machine ends, because an unplug ends QEMU 11.1.
   *
   * @param container takes the mappings that the kernel makes for the device; by default all are granted and none is kept
   * @returns the number of the device's port, from 0
   * @throws QmpRefusal when QEMU refuses the device
   * @throws LinuxStopped when QEMU has ended
   */
  async plug(device: SessionDevice, container?: DmaContainer): Promise<number> {
    const port = this.#ports++;
    const place = { id: `device${port}`, bus: portBus(port) };
    if (!this.iommu.acceptsVfioUser) {
      await this.#addDevice({ driver: 'nvme', serial: place.id, ...place });
      return port;
    }
    const path = this.#qemu.directory.at(place.id);
    this.#servers.push(await serveHostDevice(path, servedDevice(device, place.id), container));
    await this.#addDevice({ driver: 'vfio-user-pci', socket: { type: 'unix', path }, ...place });
    return port;
  }

  /** Ends QEMU and the devices' servers, and removes their files. May be called twice. */
  async end(): Promise<void> {
    this.#closeConnections();
    await this.#qemu.end();
    for (const close of this.#servers.splice(0)) await close();
  }

  async #whileRunning<T>(promise: Promise<T>, what: string): Promise<T> {
    try {
      return await this.#qemu.whileAlive(promise, what, BATCH_DEADLINE);
    } catch (error) {
      if (!isEndOfQemu(error)) throw error;
      throw new LinuxStopped(error, this.#qemu.output.since(0));
    }
  }

  async #addDevice(properties: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#whileRunning(this.#qemu.qmp.execute('device_add', properties), 'device_add');
  }
}
