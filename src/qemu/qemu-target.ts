import type { Scenario } from '../scenario/index.ts';
import { NotRunnable, type Target, type Trace } from '../trace/index.ts';
import { FailedStarts } from './failed-starts.ts';
import { unplugs } from './hot-plugged.ts';
import { runAlone, runTwice } from './lone-run.ts';
import { MachineStarter, type StarterOptions } from './machine-starter.ts';
import { isQemuMachine, type QemuMachineType } from './process/architecture.ts';
import type { QemuInspection } from './process/inspect-qemu.ts';
import { whyNotRunnable } from './runnable.ts';
import { SharedRuns } from './shared-runs.ts';
import { hostPageSize } from './shim/host-page-size.ts';

const DEFAULT_MAX_PROCESSES = 8;
/** Of a machine that QEMU does not have. */
const NO_ABILITIES = {
  deviceProperties: { 'vfio-user-pci': undefined, 'vfio-pci': undefined },
  hasIommufd: false,
} as const;

/**
 * How QEMU reaches the devices of a scenario: over vfio-user, where the scenario's IOMMU is of that type; else by the
 * kernel's own interface, which barproof answers. `both` runs every scenario.
 */
export type QemuInterface = 'vfio-user' | 'kernel' | 'both';

/** How scenarios are run. */
export interface QemuTargetOptions extends StarterOptions {
  /** Which scenarios are run; `both` where left out. */
  readonly interface?: QemuInterface | undefined;
  /**
   * Whether one QEMU serves many scenarios. Their devices are then plugged in while QEMU runs, and the trace's
   * scenario says so. Where QEMU refuses a device or dies, the scenario runs again as it is written.
   */
  readonly reuse?: boolean;
  /**
   * Whether memory that QEMU is known to overwrite by mistake is left free, so that the rest of the run can be
   * compared with the model. Needs a C compiler.
   */
  readonly contain?: boolean;
  /** How many processes may wait for their next scenario; 8 where left out. */
  readonly maxProcesses?: number;
}

/** A real QEMU as a target. barproof serves the devices of a scenario over vfio-user, or answers for the kernel. */
export class QemuTarget implements Target {
  readonly name = 'qemu';
  readonly #options: QemuTargetOptions;
  readonly #starter: MachineStarter;
  readonly #shared: SharedRuns;
  readonly #failedStarts = new FailedStarts();

  /** @throws Error when the shim's cache folder cannot be written. */
  constructor(options: QemuTargetOptions = {}) {
    this.#options = options;
    this.#starter = new MachineStarter(options);
    this.#shared = new SharedRuns(this.#starter, options.maxProcesses ?? DEFAULT_MAX_PROCESSES);
  }

  /**
   * Version and abilities of the QEMU for a machine.
   *
   * @throws QemuNotFound, QemuUnusable.
   */
  inspect(type: QemuMachineType): Promise<QemuInspection> {
    return this.#starter.inspect(type);
  }

  /**
   * Why the scenario cannot run here, or nothing when it can.
   *
   * @throws QemuNotFound, QemuUnusable.
   */
  async whyNot(scenario: Scenario): Promise<string | undefined> {
    const { interface: chosen = 'both' } = this.#options;
    const isServed = scenario.host.iommu.type === 'vfio-user';
    if (chosen !== 'both' && (chosen === 'vfio-user') !== isServed)
      return `iommu type ${scenario.host.iommu.type} is not run with --interface ${chosen}`;
    const { type } = scenario.machine;
    const abilities = isQemuMachine(type) ? await this.inspect(type) : NO_ABILITIES;
    return whyNotRunnable(scenario, {
      hostPageSize: hostPageSize(),
      pageSizeShim: this.#starter.shim !== undefined,
      deviceProperties: abilities.deviceProperties,
      hasIommufd: abilities.hasIommufd,
    });
  }

  /**
   * Runs a scenario.
   *
   * @throws NotRunnable with the reason; QemuNotFound, QemuUnusable.
   */
  async run(scenario: Scenario): Promise<Trace> {
    const reason = await this.whyNot(scenario);
    if (reason !== undefined) throw new NotRunnable(reason);
    const { reuse = false } = this.#options;
    if (!reuse) return this.#runAsWritten(scenario);
    const failed = this.#failedStarts.find(scenario);
    if (failed !== undefined) return failed;
    const shared = await this.#runShared(scenario);
    if (shared !== undefined) return shared;
    const trace = await this.#runAsWritten(scenario);
    this.#failedStarts.note(trace);
    return trace;
  }

  /** Runs a scenario as it is written, in a process of its own. @throws as `run` does. */
  async runAsWritten(scenario: Scenario): Promise<Trace> {
    const reason = await this.whyNot(scenario);
    if (reason !== undefined) throw new NotRunnable(reason);
    return this.#runAsWritten(scenario);
  }

  #runAsWritten(scenario: Scenario): Promise<Trace> {
    const { contain = false } = this.#options;
    const run = unplugs(scenario) ? runTwice : runAlone;
    return run(this.#starter, scenario, { contain });
  }

  /** @returns nothing where the scenario has to run as it is written. */
  #runShared(scenario: Scenario): Promise<Trace | undefined> {
    if (!unplugs(scenario)) return this.#shared.run(scenario);
    // QEMU 11.1 does not survive that a vfio-user device with MSI-X leaves.
    if (scenario.host.iommu.type === 'vfio-user') return Promise.resolve(undefined);
    return this.#shared.runTwice(scenario);
  }

  /** Ends all processes. A scenario that is still running fails. */
  async close(): Promise<void> {
    await this.#shared.close();
    await this.#starter.close();
  }
}
