import type { DeviceChange } from '../trace/index.ts';

/** The devices that were plugged in and are no longer. */
export class UnpluggedDevices {
  readonly #ids = new Set<string>();

  /** @returns whether a device was plugged in or unplugged, so that memory may have lost its owner. */
  follow({ plugged, unplugged }: DeviceChange): boolean {
    if (plugged.length === 0 && unplugged.length === 0) return false;
    for (const id of unplugged) this.#ids.add(id);
    for (const { id } of plugged) this.#ids.delete(id);
    return true;
  }

  /** Whether the owner of memory is such a device. */
  has(owner: string | undefined): boolean {
    return owner !== undefined && this.#ids.size > 0 && this.#ids.has(owner);
  }
}
