import type { Step } from '../../trace/index.ts';
import type { PluggedDevice } from './plugged-device.ts';

/** Devices that a scenario began with, and what was seen of their arrival. */
export interface Hardware {
  /** In the order in which they were plugged in. */
  readonly devices: readonly PluggedDevice[];
  /** From the start of the machine to the last plug. */
  readonly steps: readonly Step[];
}

/** The devices of a machine that scenarios have done with. They stay plugged in and decode nothing. */
export class RetiredDevices {
  readonly #devices = new Set<PluggedDevice>();
  readonly #hardware = new Map<string, Hardware>();

  /** How many there are. */
  get count(): number {
    return this.#devices.size;
  }

  /** All of them, first come first. */
  get all(): readonly PluggedDevice[] {
    return [...this.#devices];
  }

  /** Whether a mapping shows memory of one of them. */
  get areMapped(): boolean {
    return this.all.some(({ state }) => state.mappings.some(({ deviceMemory }) => deviceMemory));
  }

  /** Whether one of them is gone from QEMU all the same. */
  get areLost(): boolean {
    return this.all.some(({ server }) => server.disconnected);
  }

  add(device: PluggedDevice): void {
    this.#devices.add(device);
  }

  /** Whether those are here that a scenario with hardware of this name begins with. */
  know(name: string): boolean {
    return this.#hardware.has(name);
  }

  /** Notes that devices, retired or about to be, can serve other scenarios with this hardware. */
  remember(name: string, hardware: Hardware): void {
    this.#hardware.set(name, hardware);
  }

  /** Gives devices back that were remembered; they are not retired any more. */
  takeBack(name: string): Hardware {
    const hardware = this.#hardware.get(name)!;
    this.#hardware.delete(name);
    for (const device of hardware.devices) this.#devices.delete(device);
    return hardware;
  }
}
