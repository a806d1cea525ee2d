import type { QemuMachineType } from './architecture.ts';
import { QemuDied, QemuHangs } from './qemu-error.ts';
import type { RunningMachine } from './running-machine.ts';

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

/** A retired device still hears of every mapping; after so many a new process is cheaper. */
const MOST_DEVICES = 24;

/** How often processes were started and given up, and why. */
export interface PoolStatistics {
  started: number;
  scenarios: number;
  /** By reason. */
  readonly discarded: Map<string, number>;
}

/** Processes that serve one scenario after the other. */
export class ProcessPool {
  readonly statistics: PoolStatistics = { started: 0, scenarios: 0, discarded: new Map() };
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
   * Has `work` done on a machine without devices. Afterwards the process is kept if it is as before.
   *
   * @param devices how many `work` is going to plug in.
   */
  async use<T>(key: PoolKey, devices: number, work: (running: RunningMachine) => Promise<T>): Promise<T> {
    const idle = await this.#take(key, devices);
    const { running } = idle;
    try {
      running.keepAlive(true);
      const result = await work(running);
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

  async #take({ type, ram, hostPageSize }: PoolKey, devices: number): Promise<Idle> {
    const key = `${type} ${ram} ${hostPageSize}`;
    const index = this.#idle.findIndex((idle) => idle.key === key);
    const [found] = index === -1 ? [] : this.#idle.splice(index, 1);
    if (found !== undefined && found.running.freeSlots >= devices) return found;
    if (found !== undefined) await this.#discard(found, 'no slots left');
    const running = await this.#start({ type, ram, hostPageSize });
    this.statistics.started++;
    return { key, running, pristine: await running.mapText() };
  }

  async #giveBack(idle: Idle): Promise<void> {
    const leak = await whatLeaked(idle);
    if (leak !== undefined) return this.#discard(idle, leak);
    idle.running.keepAlive(false);
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
  if (running.qemu.ending !== undefined) return 'QEMU died';
  try {
    await running.retireDevices();
    if (running.retiredCount >= MOST_DEVICES) return 'devices enough for one process';
    if (running.lostDevices) return 'a device is gone that should have stayed';
    if (running.mappedDeviceMemory) return 'device memory is still mapped';
    if ((await running.mapText()) !== pristine) return 'the memory map is another';
    return undefined;
  } catch (error) {
    if (error instanceof QemuDied || error instanceof QemuHangs) return 'QEMU died';
    throw error;
  }
}
