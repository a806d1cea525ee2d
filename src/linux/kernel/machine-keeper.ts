import { InvalidInput } from '../../input/index.ts';
import type { QemuLocation } from '../../qemu/process/index.ts';
import { TargetUnavailable } from '../../trace/index.ts';
import { command } from '../agent/commands.ts';
import {
  chooseKernel,
  installedKernels,
  kernelFolder,
  type InstalledKernel,
} from '../boot/installed-kernels.ts';
import { BootEnded, LinuxMachine } from '../boot/linux-machine.ts';
import { EMULATED_IOMMUS, type EmulatedIommu } from '../emulated-iommus.ts';
import type { HostSession, SessionDevice } from '../session/host-session.ts';
import { plugAndBind, type BoundDevice } from './plugged-device.ts';

/** How `LinuxHost` chooses a kernel and a QEMU. */
export interface LinuxHostOptions {
  /** The kernel to boot instead of the session's own: a release, a version, or the name of its folder. */
  readonly kernel?: string | undefined;
  readonly qemu?: QemuLocation | undefined;
  /** Kernels to choose from; by default those that are installed. */
  readonly kernels?: readonly InstalledKernel[] | undefined;
  /** Whether calls that are known to stop the kernel, or to change its later answers, are sent as well. */
  readonly harmful?: boolean | undefined;
}

interface KeptMachine {
  /** The kernel and the IOMMU that it was booted for. */
  readonly key: string;
  readonly machine: LinuxMachine;
  /** The plugged devices, by the key of their layout. */
  readonly devices: Map<string, BoundDevice>;
}

/** How many milliseconds one call may take. A map of much memory is slow under TCG. */
const CALL_LIMIT = 20_000;

/** Keeps one booted machine for all sessions with the same kernel and IOMMU, and plugs in each new device. */
export class MachineKeeper {
  readonly #options: LinuxHostOptions;
  #kept: KeptMachine | undefined;
  #boots = 0;
  /** Aborted by `close`, after which no kernel is booted. */
  readonly #closing = new AbortController();
  #booting: Promise<unknown> = Promise.resolve();

  constructor(options: LinuxHostOptions) {
    this.#options = options;
  }

  /** How often a kernel was booted. */
  get boots(): number {
    return this.#boots;
  }

  /**
   * A machine with the kernel, the IOMMU and the device of a session.
   *
   * @throws InvalidInput when no installed kernel or known IOMMU fits the session
   * @throws TargetUnavailable without a kernel, QEMU or a compiler
   * @throws PreparationFailed when the kernel does not find the device, or vfio-pci does not bind to it
   * @throws LinuxStopped when the kernel does not boot
   * @throws BootEnded after `close`
   */
  async machineFor(session: HostSession): Promise<{ machine: LinuxMachine; bound: BoundDevice }> {
    const kernel = this.#kernelFor(session);
    const iommu = iommuOf(session);
    if (!iommu.acceptsVfioUser && session.container === 'region') {
      const message = `behind ${session.iommu} QEMU accepts only its own devices, so a session cannot choose the BARs`;
      throw new InvalidInput([{ path: 'iommu', message }]);
    }
    const layout = iommu.acceptsVfioUser ? layoutKey(session.device) : '';
    const key = `${kernel.name} ${session.iommu}`;
    const { machine, devices } =
      this.#fitting(key, layout) ?? (await this.#boot(key, { kernel, iommu, qemu: this.#options.qemu }));
    const known = devices.get(layout);
    if (known !== undefined) return { machine, bound: known };
    const bound = await plugAndBind(machine, session.device);
    devices.set(layout, bound);
    return { machine, bound };
  }

  /** Ends the machine, if there is one. */
  async end(): Promise<void> {
    const kept = this.#kept;
    this.#kept = undefined;
    await kept?.machine.end();
  }

  /** Ends the machine for good, also one that is being booted. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#booting.catch(() => undefined);
    await this.end();
  }

  /** The kept machine, if it has this kernel and IOMMU, and either the device or a free port. */
  #fitting(key: string, layout: string): KeptMachine | undefined {
    const kept = this.#kept;
    return kept?.key === key && (kept.devices.has(layout) || kept.machine.hasRoom) ? kept : undefined;
  }

  async #boot(key: string, options: Parameters<typeof LinuxMachine.boot>[0]): Promise<KeptMachine> {
    await this.end();
    const { signal } = this.#closing;
    if (signal.aborted) throw new BootEnded('the host is closed');
    const booting = LinuxMachine.boot({ ...options, signal });
    this.#booting = booting;
    const machine = await booting;
    this.#boots++;
    this.#kept = { key, machine, devices: new Map() };
    await machine.call([command.limit(CALL_LIMIT)]);
    return this.#kept;
  }

  #kernelFor({ arch: architecture, pageSize, kernel: named, container }: HostSession): InstalledKernel {
    const wanted = this.#options.kernel ?? named;
    const kernels = this.#options.kernels ?? installedKernels();
    const iommufd = container === 'iommufd';
    const kernel = chooseKernel({ kernel: wanted, architecture, pageSize, iommufd }, kernels);
    if (kernel !== undefined) return kernel;
    if (kernels.length === 0) {
      throw new TargetUnavailable(
        `there is no Linux kernel in ${kernelFolder()}. In a checkout, run .ci/install-linux, ` +
          'or name another folder in BARPROOF_LINUX',
      );
    }
    const there = kernels.map(({ name, release }) => `${name} (${release})`).join(', ');
    const host = `${architecture} with pages of ${Number(pageSize) / 1024}K`;
    const which = `${wanted}${iommufd ? ' with iommufd' : ''} for ${host}`;
    const message = `no kernel ${which} is installed; there are ${there}. See .ci/install-linux`;
    throw new InvalidInput([{ path: 'kernel', message }]);
  }
}

function iommuOf({ arch, iommu: name }: HostSession): EmulatedIommu {
  const iommu = EMULATED_IOMMUS.get(name);
  if (iommu?.architecture === arch) return iommu;
  const known = [...EMULATED_IOMMUS].flatMap(([one, { architecture }]) =>
    architecture === arch ? [one] : [],
  );
  const message = `expected one of ${known.join(', ')}, found "${name}"`;
  throw new InvalidInput([{ path: 'iommu', message }]);
}

/** Devices with the same key are interchangeable. The host chooses the addresses of BARs, so they do not count. */
const layoutKey = ({ bars, msix }: SessionDevice): string =>
  JSON.stringify(
    [bars.map(({ index, size, type, prefetch }) => [index, size, type, prefetch]), msix],
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
  );
