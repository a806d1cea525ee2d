import { InvalidInput } from '../../input/index.ts';
import type { QemuLocation } from '../../qemu/process/find-qemu.ts';
import { TargetUnavailable } from '../../trace/index.ts';
import { command } from '../agent/commands.ts';
import {
  chooseKernel,
  installedKernels,
  kernelFolder,
  type InstalledKernel,
} from '../boot/installed-kernels.ts';
import { LinuxMachine } from '../boot/linux-machine.ts';
import { LinuxStopped } from '../boot/linux-error.ts';
import { EMULATED_IOMMUS } from '../emulated-iommus.ts';
import type { AnsweredSession, HostTarget } from '../host-target.ts';
import type { Answer } from '../session/host-call.ts';
import type { HostSession, SessionDevice } from '../session/host-session.ts';
import { PreparationFailed } from './agent-calls.ts';
import { encodeCall, type EncodedCall } from './encode-call.ts';
import { harmfulTo } from './harmful-calls.ts';
import { plugAndBind, type BoundDevice } from './plugged-device.ts';
import { prepareSession } from './prepare-session.ts';

/** How a real kernel is chosen. */
export interface LinuxHostOptions {
  /** The kernel to ask instead of the one that a session names. */
  readonly kernel?: string | undefined;
  readonly qemu?: QemuLocation | undefined;
  /** Kernels to choose from; by default those that are installed. */
  readonly kernels?: readonly InstalledKernel[] | undefined;
}

interface RunningMachine {
  /** The kernel and the IOMMU that it was booted for. */
  readonly key: string;
  readonly machine: LinuxMachine;
  readonly devices: Map<string, BoundDevice>;
}

/** One call may take this long: a map of much memory is slow under TCG. */
const CALL_LIMIT = 20_000;

/**
 * Answers sessions from a real kernel. One machine runs at a time; it is kept for sessions that fit it, each of
 * which has a container of its own, and a device of another layout is plugged in.
 */
export class LinuxHost implements HostTarget {
  readonly name = 'the kernel';
  readonly #options: LinuxHostOptions;
  #running: RunningMachine | undefined;
  #boots = 0;

  constructor(options: LinuxHostOptions = {}) {
    this.#options = options;
  }

  /** How often a kernel was booted. */
  get boots(): number {
    return this.#boots;
  }

  /**
   * Carries a session out. Where the kernel stops, the calls from there on have no answer, and the next session
   * gets another machine.
   *
   * @throws InvalidInput when there is no such host here
   * @throws TargetUnavailable without QEMU or a compiler
   */
  async answer(session: HostSession): Promise<AnsweredSession> {
    try {
      const { machine, devices } = await this.#machineFor(session);
      const bound = await this.#deviceFor(session.device, machine, devices);
      const prepared = await prepareSession(machine, session, bound);
      const encoded = session.steps.map(({ call }) => {
        const harm = harmfulTo(prepared.session, call);
        return harm === undefined ? encodeCall(call, prepared.context) : `not sent: ${harm}`;
      });
      const answers = await carryOut(machine, encoded);
      await machine.call([command.endCase()]);
      return { session: prepared.session, answers };
    } catch (error) {
      if (error instanceof PreparationFailed) {
        throw new InvalidInput([{ path: '', message: `the kernel cannot be asked: ${error.message}` }]);
      }
      if (!(error instanceof LinuxStopped)) throw error;
      await this.#end();
      const unanswered = `the kernel stopped: ${error.message}`;
      return { session, answers: session.steps.map(() => ({ unanswered })), console: error.console };
    }
  }

  close(): Promise<void> {
    return this.#end();
  }

  async #machineFor(session: HostSession): Promise<RunningMachine> {
    const { arch: architecture, pageSize, iommu: name } = session;
    const wanted = this.#options.kernel ?? session.kernel;
    const kernels = this.#options.kernels ?? installedKernels();
    const kernel = chooseKernel({ kernel: wanted, architecture, pageSize }, kernels);
    if (kernel === undefined) throw noKernel(session, wanted, kernels);
    const iommu = EMULATED_IOMMUS[name];
    if (iommu === undefined || iommu.architecture !== architecture) {
      const known = Object.keys(EMULATED_IOMMUS).filter(
        (one) => EMULATED_IOMMUS[one]!.architecture === architecture,
      );
      throw new InvalidInput([
        { path: 'iommu', message: `expected one of ${known.join(', ')}, found "${name}"` },
      ]);
    }
    const key = `${kernel.name} ${name}`;
    const running = this.#running;
    const hasRoom = running?.machine.hasRoom || running?.devices.has(layoutKey(session.device));
    if (running?.key === key && hasRoom) return running;
    await this.#end();
    const machine = await LinuxMachine.boot({ kernel, iommu, qemu: this.#options.qemu });
    this.#boots++;
    await machine.call([command.limit(CALL_LIMIT)]);
    this.#running = { key, machine, devices: new Map() };
    return this.#running;
  }

  async #deviceFor(
    device: SessionDevice,
    machine: LinuxMachine,
    devices: Map<string, BoundDevice>,
  ): Promise<BoundDevice> {
    const key = layoutKey(device);
    const known = devices.get(key);
    if (known !== undefined) return known;
    const bound = await plugAndBind(machine, device);
    devices.set(key, bound);
    return bound;
  }

  async #end(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.machine.end();
  }
}

/** Devices with the same key can stand for each other: where BARs lie is up to the host. */
const layoutKey = ({ bars, msix }: SessionDevice): string =>
  JSON.stringify(
    [bars.map(({ index, size, type, prefetch }) => [index, size, type, prefetch]), msix],
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
  );

async function carryOut(machine: LinuxMachine, calls: readonly (EncodedCall | string)[]): Promise<Answer[]> {
  const commands = calls.flatMap((call) => (typeof call === 'string' ? [] : call.commands));
  const results = await machine.call(commands);
  let next = 0;
  return calls.map((call) => {
    if (typeof call === 'string') return { unanswered: call };
    const answer = call.decode(results[next]!);
    next += call.commands.length;
    return answer;
  });
}

function noKernel(session: HostSession, wanted: string, kernels: readonly InstalledKernel[]): Error {
  if (kernels.length === 0) {
    return new TargetUnavailable(
      `there is no Linux kernel in ${kernelFolder()}: a checkout installs some with .ci/install-linux; ` +
        'BARPROOF_LINUX names another folder',
    );
  }
  const there = kernels.map(({ name, release }) => `${name} (${release})`).join(', ');
  const host = `${session.arch} with pages of ${Number(session.pageSize) / 1024}K`;
  const message = `no kernel ${wanted} for ${host} is installed; there are ${there}. See .ci/install-linux`;
  return new InvalidInput([{ path: 'kernel', message }]);
}
