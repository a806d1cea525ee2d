import type { PluggedDevice } from './plugged-device.ts';
import { RetiredDevices } from './retired-devices.ts';

/** The devices of a machine. */
export class MachineDevices {
  /** The devices of the present scenario, in the order in which they were plugged in. */
  readonly present: PluggedDevice[] = [];
  /** The devices that no scenario uses any more, and that QEMU still has. */
  readonly retired = new RetiredDevices();
  /** The devices that were unplugged since the last observation. */
  readonly #unplugged: PluggedDevice[] = [];

  /** Every device that QEMU may still send messages to. */
  get all(): readonly PluggedDevice[] {
    return [...this.observed, ...this.retired.all];
  }

  /** The devices whose messages belong to the present scenario. */
  get observed(): readonly PluggedDevice[] {
    return [...this.present, ...this.#unplugged];
  }

  /** The present device that the scenario calls `id`. */
  find(id: string): PluggedDevice {
    return this.present.find(({ spec }) => spec.id === id)!;
  }

  /** Notes that a device was unplugged. The next observation still takes its messages. */
  unplug(device: PluggedDevice): void {
    this.present.splice(this.present.indexOf(device), 1);
    this.#unplugged.push(device);
  }

  /** Retires the devices that were unplugged, once an observation has taken their messages. */
  retireUnplugged(): void {
    for (const device of this.#unplugged.splice(0)) this.retired.add(device);
  }

  /** Forgets the devices that were unplugged, of which QEMU has let go. */
  forgetUnplugged(): void {
    this.#unplugged.length = 0;
    this.retired.forgetGone();
  }

  /** Retires the devices of the present scenario. */
  retirePresent(): void {
    for (const device of this.present.splice(0)) this.retired.add(device);
  }
}
