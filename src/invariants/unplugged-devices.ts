import type { DeviceChange } from '../trace/index.ts';

/** The devices that were plugged in and are no longer. */
export class UnpluggedDevices {
  /** An array, because most traces unplug no device. */
  #ids: string[] = [];

  /** @returns whether a device was plugged in or unplugged, so that memory may have lost its owner. */
  follow({ plugged, unplugged }: DeviceChange): boolean {
    if (plugged.length === 0 && unplugged.length === 0) return false;
    this.#ids.push(...unplugged);
    if (this.#ids.length > 0)
      this.#ids = this.#ids.filter((id) => !plugged.some((device) => device.id === id));
    return true;
  }

  /** Whether the device that owns the memory is unplugged. */
  has(owner: string | undefined): boolean {
    return owner !== undefined && this.#ids.includes(owner);
  }
}
