import type { QemuMachineType } from './process/architecture.ts';
import { isEndOfQemu } from './process/qemu-error.ts';
import type { Step } from '../trace/index.ts';
import type { RunningMachine } from './guest/running-machine.ts';

/** What a process has to be started anew for. */
export interface PoolKey {
  readonly type: QemuMachineType;
  readonly ram: bigint;
  readonly hostPageSize: bigint;
}

/** A process that waits for its next scenario. */
interface Idle {
  readonly key: string;
  readonly running: RunningMachine;
  /** Memory and ports when no scenario's device decodes anything. */
  readonly pristine: string;
}

/** A process that is ready for a scenario. */
interface Ready {
  readonly idle: Idle;
  /** The steps of the scenario that it has behind it already. */
  readonly begun: readonly Step[];
}

/** A retired device still hears of every mapping; after so many a new process is cheaper. */
const MOST_DEVICES = 8;

/** How often processes were started and given up, and why. */
export interface PoolStatistics {
  started: number;
  scenarios: number;
  /** Scenarios whose devices were there already. */
  reinstated: number;
  /** By reason. */
  readonly discarded: Map<string, number>;
}

/** Processes that serve one scenario after the other. */
export class ProcessPool {
  readonly statistics: PoolStatistics = { started: 0, scenarios: 0, reinstated: 0, discarded: new Map() };
  readonly #most: number;
  readonly #start: (key: PoolKey) => Promise<RunningMachine>;
  /** Least recently used first. */
  #idle: Idle[] = [];

  /**
   * @param most how many may wait at a time.
   * @param start a machine without devices.
   */
  constructor(most: number, start: (key: PoolKey) => Promise<RunningMachine>) {
    this.#most = most;
    this.#start = start;
  }

  /**
   * Has `work` done on a machine without devices, or with those that the scenario begins with. Afterwards the
   * process waits for the next.
   *
   * @param hardware what `work` begins with, by the name under which a machine may know it.
   * @param devices how many `work` is going to plug in where they are not there yet.
   * @throws QemuDied, QemuHangs when the process ended before `work` began.
   */
  async use<T>(
    key: PoolKey,
    { hardware, devices }: { readonly hardware: string; readonly devices: number },
    work: (running: RunningMachine, begun: readonly Step[]) => Promise<T>,
  ): Promise<T> {
    const { idle, begun } = await this.#take(key, hardware, devices);
    const { running } = idle;
    try {
      const result = await work(running, begun);
      this.statistics.scenarios++;
      await this.#giveBack(idle);
      return result;
    } catch (error) {
      await running.end();
      throw error;
    }
  }

  /** Ends all that wait. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(({ running }) => running.end()));
  }

  async #take({ type, ram, hostPageSize }: PoolKey, hardware: string, devices: number): Promise<Ready> {
    const key = `${type} ${ram} ${hostPageSize}`;
    const fitting = this.#idle.filter((idle) => idle.key === key);
    const knowing = fitting.find(({ running }) => running.retired.know(hardware));
    const found = knowing ?? fitting.find(({ running }) => running.freeSlots >= devices) ?? fitting[0];
    if (found !== undefined) {
      this.#idle.splice(this.#idle.indexOf(found), 1);
      found.running.keepAlive(true);
      const begun = await this.#begin(found, hardware, devices);
      if (begun !== undefined) return { idle: found, begun };
    }
    const running = await this.#start({ type, ram, hostPageSize });
    this.statistics.started++;
    try {
      return { idle: { key, running, pristine: await running.mapText() }, begun: [] };
    } catch (error) {
      await running.end();
      throw error;
    }
  }

  /** The steps that a process has behind it for a scenario; it is given up where it is not fit for one. */
  async #begin(idle: Idle, hardware: string, devices: number): Promise<readonly Step[] | undefined> {
    const { running } = idle;
    try {
      if (running.retired.know(hardware)) {
        const begun = await running.reinstate(hardware);
        if (begun === undefined) await this.#discard(idle, 'the devices are not as they were');
        else this.statistics.reinstated++;
        return begun;
      }
      const leak = running.freeSlots < devices ? 'no slots left' : await whatLeaked(idle);
      if (leak === undefined) return [];
      await this.#discard(idle, leak);
    } catch (error) {
      if (!isEndOfQemu(error)) {
        await running.end();
        throw error;
      }
      await this.#discard(idle, 'QEMU died');
    }
    return undefined;
  }

  async #giveBack(idle: Idle): Promise<void> {
    const { running } = idle;
    try {
      await running.retireDevices();
    } catch (error) {
      if (!isEndOfQemu(error)) throw error;
      return this.#discard(idle, 'QEMU died');
    }
    if (running.retired.count >= MOST_DEVICES) return this.#discard(idle, 'devices enough for one process');
    running.keepAlive(false);
    this.#idle.push(idle);
    while (this.#idle.length > this.#most) await this.#discard(this.#idle.shift()!, 'too many processes');
  }

  async #discard({ running }: Idle, reason: string): Promise<void> {
    this.statistics.discarded.set(reason, (this.statistics.discarded.get(reason) ?? 0) + 1);
    await running.end();
  }
}

/** What keeps a process from serving another scenario, or nothing. */
async function whatLeaked({ running, pristine }: Idle): Promise<string | undefined> {
  if (running.retired.areLost) return 'a device is gone that should have stayed';
  if (running.retired.areMapped) return 'device memory is still mapped';
  if ((await running.mapText()) !== pristine) return 'the memory map is another';
  return undefined;
}
