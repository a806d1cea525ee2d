import { toJsonLine, type Scenario } from '../scenario/index.ts';
import type { Step } from '../trace/index.ts';
import type { RunningMachine } from './guest/running-machine.ts';
import { setupOf } from './machine-starter.ts';
import { isEndOfQemu } from './process/qemu-error.ts';

/** A process without present devices, which waits for its next scenario. */
interface IdleProcess {
  /** Machine and host as text. */
  readonly key: string;
  readonly running: RunningMachine;
  /** The text of the memory map while no device of a scenario decodes anything. */
  readonly emptyMap: string;
}

/** How a pool gets its processes, and what becomes of devices after their scenario. */
export interface PoolOptions {
  /** How many processes may wait at a time. */
  readonly maxIdle: number;
  /** Starts the machine of a scenario, on its host, without devices. */
  readonly start: (scenario: Scenario) => Promise<RunningMachine>;
  /** Whether devices leave the machine; else they stay and decode nothing. QEMU must not have read their memory map. */
  readonly unplugs: boolean;
}

/** Processes that serve one scenario after the other. */
export class ProcessPool {
  readonly #options: PoolOptions;
  /** Least recently used first. */
  #idle: IdleProcess[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Does `work` on a machine without devices, or with the devices that the scenario begins with. The process then
   * waits for its next scenario.
   *
   * @param hardware names the devices that the scenario begins with. Where the machine has none of them, `work` plugs in
   *   all devices of the scenario.
   * @throws QemuDied, QemuHangs when QEMU ended before `work` began.
   */
  async use<T>(
    scenario: Scenario,
    hardware: string,
    work: (running: RunningMachine, begun: readonly Step[]) => Promise<T>,
  ): Promise<T> {
    const { idle, begun } = await this.#take(scenario, hardware);
    const { running } = idle;
    try {
      const result = await work(running, begun);
      await this.#giveBack(idle);
      return result;
    } catch (error) {
      await running.end();
      throw error;
    }
  }

  /** Ends all processes that wait. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(({ running }) => running.end()));
  }

  /** An idle process that is ready for a scenario, and the steps of the scenario that it has already carried out. */
  async #take(scenario: Scenario, hardware: string): Promise<{ idle: IdleProcess; begun: readonly Step[] }> {
    const key = keyOf(scenario);
    const devices = scenario.devices.length;
    const fitting = this.#idle.filter((idle) => idle.key === key);
    const found =
      fitting.find(({ running }) => running.devices.retired.keeps(hardware)) ??
      fitting.find(({ running }) => running.plugging.freeSlots >= devices) ??
      fitting[0];
    if (found !== undefined) {
      this.#idle.splice(this.#idle.indexOf(found), 1);
      found.running.keepAlive(true);
      const begun = await prepare(found, hardware, devices);
      if (begun !== undefined) return { idle: found, begun };
    }
    const running = await this.#options.start(scenario);
    try {
      return { idle: { key, running, emptyMap: await running.observer.readMapText() }, begun: [] };
    } catch (error) {
      await running.end();
      throw error;
    }
  }

  async #giveBack(idle: IdleProcess): Promise<void> {
    const { running } = idle;
    try {
      await (this.#options.unplugs ? running.unplugDevices() : running.retireDevices());
    } catch (error) {
      if (!isEndOfQemu(error)) throw error;
      return running.end();
    }
    if (running.devices.retired.count > running.host.maxRetired) return running.end();
    running.keepAlive(false);
    this.#idle.push(idle);
    while (this.#idle.length > this.#options.maxIdle) await this.#idle.shift()!.running.end();
  }
}

/** A name for what a process cannot change: its machine, and its host where the kernel's containers outlive a scenario. */
function keyOf(scenario: Scenario): string {
  const { type, ram, hostPageSize, arguments: words } = setupOf(scenario);
  const { host } = scenario;
  const ofHost = host.iommu.type === 'vfio-user' ? host.iommu.type : toJsonLine(host);
  return `${type} ${ram} ${hostPageSize} ${words.join(' ')} ${ofHost}`;
}

/**
 * Prepares an idle process for a scenario. A process that is not fit for the scenario is ended.
 *
 * @returns the steps that the process has already carried out, or nothing where the process was ended.
 */
async function prepare(
  idle: IdleProcess,
  hardware: string,
  devices: number,
): Promise<readonly Step[] | undefined> {
  const { running } = idle;
  try {
    const begun = running.devices.retired.keeps(hardware)
      ? await running.reinstateDevices(hardware)
      : running.plugging.freeSlots >= devices && (await isEmpty(idle))
        ? []
        : undefined;
    if (begun === undefined) await running.end();
    return begun;
  } catch (error) {
    await running.end();
    if (!isEndOfQemu(error)) throw error;
    return undefined;
  }
}

/** Whether the earlier scenarios left no trace: retired devices are connected, not mapped, and not in the memory map. */
async function isEmpty({ running, emptyMap }: IdleProcess): Promise<boolean> {
  const { retired } = running.devices;
  if (retired.areLost || retired.areMapped || !running.host.isAsNew) return false;
  return (await running.observer.readMapText()) === emptyMap;
}
