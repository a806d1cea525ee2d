import type { Step } from '../../trace/index.ts';
import type { PluggedDevice } from './plugged-device.ts';

/** Devices that a scenario begins with, and the steps in which they were plugged in. */
export interface Hardware {
  /** In the order in which they were plugged in. */
  readonly devices: readonly PluggedDevice[];
  /** From the start of the machine to the last plug. */
  readonly steps: readonly Step[];
}

/** Devices that no scenario uses any more. QEMU still has them, and they decode nothing. */
export class RetiredDevices {
  readonly #devices = new Set<PluggedDevice>();
  readonly #hardware = new Map<string, Hardware>();

  get count(): number {
    return this.#devices.size;
  }

  /** In the order in which they were retired. */
  get all(): readonly PluggedDevice[] {
    return [...this.#devices];
  }

  /** Whether QEMU still maps memory of a retired device for DMA. */
  get areMapped(): boolean {
    return this.all.some(({ state }) => state.mappings.some(({ deviceMemory }) => deviceMemory));
  }

  /** Whether QEMU has closed the connection of a retired device. */
  get areLost(): boolean {
    return this.all.some(({ server }) => server.disconnected);
  }

  add(device: PluggedDevice): void {
    this.#devices.add(device);
  }

  /** Forgets the devices of which QEMU has let go. */
  forgetGone(): void {
    for (const device of this.#devices) if (device.server.disconnected) this.#devices.delete(device);
  }

  /** Whether the machine keeps the devices that scenarios with this hardware begin with. */
  keeps(hardware: string): boolean {
    return this.#hardware.has(hardware);
  }

  /** Keeps devices, retired or about to be, for scenarios with this hardware. */
  keep(name: string, hardware: Hardware): void {
    this.#hardware.set(name, hardware);
  }

  /** Gives back devices that were kept. They are no longer retired. */
  takeBack(name: string): Hardware {
    const hardware = this.#hardware.get(name)!;
    this.#hardware.delete(name);
    for (const device of hardware.devices) this.#devices.delete(device);
    return hardware;
  }
}
