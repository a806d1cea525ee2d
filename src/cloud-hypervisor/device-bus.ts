import type { Size } from '../address/index.ts';

interface BusRange<Device> {
  readonly base: bigint;
  readonly size: Size;
  readonly device: Device;
}

/** Which device answers a trapped access (vm-device/src/bus.rs: Bus). */
export class DeviceBus<Device> {
  #ranges: readonly BusRange<Device>[] = [];

  /** @returns false when the range meets another. */
  insert(device: Device, base: bigint, size: Size): boolean {
    const meets = this.#ranges.some((range) => base < range.base + range.size && range.base < base + size);
    if (size === 0n || meets) return false;
    this.#ranges = [...this.#ranges, { base, size, device }];
    return true;
  }

  /**
   * Moves the range at `from` to `to` (Bus::update_range). When something is in the way there the range
   * is gone: it was taken away first.
   *
   * @returns false when there is none, or it cannot be put there.
   */
  move(from: bigint, to: bigint, size: Size): boolean {
    const range = this.#ranges.find(({ base }) => base === from);
    if (range === undefined) return false;
    this.#ranges = this.#ranges.filter((other) => other !== range);
    return this.insert(range.device, to, size);
  }

  /** Whether accesses from `base` on go to `device`. */
  routes(device: Device, base: bigint): boolean {
    return this.#ranges.some((range) => range.base === base && range.device === device);
  }

  removeDevice(device: Device): void {
    this.#ranges = this.#ranges.filter((range) => range.device !== device);
  }
}
