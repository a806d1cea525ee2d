import { QmpClient, QtestClient } from '../../qemu/process/index.ts';
import { command } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import { AgentCalls } from '../kernel/agent-calls.ts';
import type { PackedQemu } from './qemu-files.ts';

/** The connections to a QEMU in a kernel: one for QMP, one for qtest. */
export const QEMU_CONNECTIONS = 2;

/** QEMU's output and its log of trace events, in the kernel. */
const [OUTPUT, LOG] = ['/tmp/qemu-output', '/tmp/qemu-log'];

/** How many milliseconds QEMU may take for its start and for each answer: it runs in an emulated machine. */
const DEADLINE = 120_000;
/** How many bytes of a file the agent reads at a time. */
const CHUNK = 1 << 16;

/** The trace events by which QEMU tells of its calls to VFIO and KVM (hw/vfio/trace-events, accel/kvm/trace-events). */
const TRACED = ['vfio_listener_region_*', ...['vfio_region_mmap', 'vfio_msix_*', 'kvm_set_user_memory']];

/** How a QEMU is started in a kernel. */
export interface QemuInsideOptions {
  /** Booted with the files of `packed`, and with `QEMU_CONNECTIONS` connections. */
  readonly machine: LinuxMachine;
  readonly packed: PackedQemu;
  /** The machine, its memory and its devices. */
  readonly arguments: readonly string[];
}

/**
 * A QEMU that runs in a real kernel, with KVM and the kernel's VFIO. Its CPU is stopped, and the guest is played over
 * qtest. The end of the session (`end-case`) kills it.
 */
export class QemuInside {
  readonly qmp: QmpClient;
  readonly qtest: QtestClient;
  readonly #machine: LinuxMachine;
  readonly #pid: number;

  private constructor(machine: LinuxMachine, pid: number) {
    const [qmp, qtest] = machine.programConnections;
    this.qmp = new QmpClient(qmp!, DEADLINE);
    this.qtest = new QtestClient(qtest!, DEADLINE);
    this.#machine = machine;
    this.#pid = pid;
  }

  /**
   * Starts QEMU and waits until it takes commands.
   *
   * @throws QemuEndedInside with QEMU's output when QEMU ends
   * @throws LinuxStopped when the kernel stops
   */
  static async start({ machine, packed, arguments: own }: QemuInsideOptions): Promise<QemuInside> {
    const words = [
      ...packed.words,
      ...['-accel', 'kvm', '-nodefaults', '-display', 'none', '-S'],
      ...['-qmp', 'pipe:/dev/vport0p2', '-qtest', 'pipe:/dev/vport0p3', '-qtest-log', '/dev/null'],
      ...['-d', TRACED.map((event) => `trace:${event}`).join(','), '-D', LOG],
      ...own,
    ];
    const { result: pid } = await new AgentCalls(machine).need(command.spawn(OUTPUT, words), 'QEMU');
    const inside = new QemuInside(machine, pid);
    await inside.whileAlive(inside.qmp.negotiate());
    return inside;
  }

  /**
   * The result of `promise`.
   *
   * @throws QemuEndedInside when QEMU ends before
   */
  async whileAlive<T>(promise: Promise<T>): Promise<T> {
    const done = promise.then(
      () => true,
      () => true,
    );
    for (;;) {
      const isDone = await Promise.race([done, pause()]);
      if (isDone) return promise;
      const { result, data } = await new AgentCalls(this.#machine).need(command.ended(this.#pid), 'ended');
      if (result === this.#pid) throw new QemuEndedInside(data[0]!, data[1]!, await this.output());
    }
  }

  /** What QEMU printed. */
  async output(): Promise<readonly string[]> {
    return (await this.#read(OUTPUT)).split('\n').filter((line) => line !== '');
  }

  /** The lines of the log of trace events so far. */
  async log(): Promise<readonly string[]> {
    return (await this.#read(LOG)).split('\n').filter((line) => line !== '');
  }

  async #read(path: string): Promise<string> {
    const calls = new AgentCalls(this.#machine);
    const { result: file } = await calls.need(command.open(path, 0), path);
    const parts: Uint8Array[] = [];
    for (let at = 0n; ;) {
      const { data } = await calls.need(command.pread(file, at, CHUNK), path);
      if (data.length === 0) break;
      parts.push(data);
      at += BigInt(data.length);
    }
    await calls.need(command.close(file), path);
    return Buffer.concat(parts).toString();
  }
}

/** How many milliseconds pass between two looks whether QEMU has ended. */
const PAUSE = 300;

const pause = (): Promise<false> => new Promise((resolve) => setTimeout(resolve, PAUSE, false));

/** A QEMU in a kernel has ended. */
export class QemuEndedInside extends Error {
  override readonly name = 'QemuEndedInside';
  /** The last lines that QEMU printed. */
  readonly output: readonly string[];

  constructor(signal: number, status: number, output: readonly string[]) {
    const how = (signal & 0x7f) === 0 ? `with status ${status}` : `by signal ${signal & 0x7f}`;
    super(`QEMU in the kernel ended ${how}: ${output.at(-1) ?? 'it printed nothing'}`);
    this.output = output;
  }
}
