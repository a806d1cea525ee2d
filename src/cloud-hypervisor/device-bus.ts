import type { Size } from '../address/index.ts';

interface BusRange<Device> {
  readonly base: bigint;
  readonly size: Size;
  readonly device: Device;
}

/** Routes trapped accesses to devices (vm-device/src/bus.rs: Bus). */
export class DeviceBus<Device> {
  #ranges: readonly BusRange<Device>[] = [];

  /** @returns false if the range is empty or overlaps another. */
  insert(device: Device, base: bigint, size: Size): boolean {
    const overlaps = this.#ranges.some((range) => base < range.base + range.size && range.base < base + size);
    if (size === 0n || overlaps) return false;
    this.#ranges = [...this.#ranges, { base, size, device }];
    return true;
  }

  /**
   * Moves the range at `from` to `to` (Bus::update_range). The bus removes the range before it adds the new
   * one, so a range whose new place is taken is lost.
   *
   * @returns false if there is no range at `from`, or the new place is taken.
   */
  move(from: bigint, to: bigint, size: Size): boolean {
    const range = this.#ranges.find(({ base }) => base === from);
    if (range === undefined) return false;
    this.#ranges = this.#ranges.filter((other) => other !== range);
    return this.insert(range.device, to, size);
  }

  /** The device whose range holds `address`, and the start of the range; `undefined` if no range does. */
  at(address: bigint): { readonly device: Device; readonly base: bigint } | undefined {
    return this.#ranges.find(({ base, size }) => base <= address && address < base + size);
  }

  /** Whether `device` has a range that begins at `base`. */
  routes(device: Device, base: bigint): boolean {
    return this.#ranges.some((range) => range.base === base && range.device === device);
  }

  removeDevice(device: Device): void {
    this.#ranges = this.#ranges.filter((range) => range.device !== device);
  }
}
