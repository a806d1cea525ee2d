import type { Size } from '../address/index.ts';
import type { BarAttributes, BarType } from '../pci-layout/index.ts';
import type { AddressAllocator } from './address-allocator.ts';
import type { BarMove } from './bar-registers.ts';
import { DeviceBus } from './device-bus.ts';
import { makeAllocators } from './memory-layout.ts';
import type { CloudHypervisorRules } from './revision.ts';
import type { MmioRegion, MoveFailure, VfioPciDevice } from './vfio-pci-device.ts';

/** What the addresses of BARs depend on. */
export interface AddressManagerOptions {
  readonly rules: CloudHypervisorRules;
  /** Bytes of guest RAM. */
  readonly ram: Size;
  readonly hostPageSize: Size;
}

/** Alignment of a range of I/O ports. */
const IO_ALIGNMENT = 4n;

/** A 64-bit BAR begins on a host page, a 32-bit BAR at a multiple of its size, a range of ports at one of 4. */
export const naturalAlignment: CloudHypervisorRules['alignment'] = (type, size, hostPageSize) => {
  if (type === 'io') return IO_ALIGNMENT;
  return type === 'mem64' && size < hostPageSize ? hostPageSize : size;
};

/**
 * Where the BARs of all devices lie: the allocators of guest addresses and the buses that route trapped
 * accesses (vmm/src/device_manager.rs: AddressManager).
 */
export class AddressManager {
  readonly #options: AddressManagerOptions;
  readonly #allocators: Readonly<Record<BarType, AddressAllocator>>;
  readonly #ioBus = new DeviceBus<VfioPciDevice>();
  readonly #mmioBus = new DeviceBus<VfioPciDevice>();

  constructor(options: AddressManagerOptions) {
    this.#options = options;
    this.#allocators = makeAllocators(options.ram, options.rules.allocates);
  }

  /**
   * Takes addresses for a BAR (VfioCommon::allocate_bars). A 64-bit BAR begins on a host page, a 32-bit BAR
   * at a multiple of its size.
   *
   * @returns `undefined` if no gap is large enough.
   */
  allocate({ type }: BarAttributes, size: Size): bigint | undefined {
    const { hostPageSize, rules } = this.#options;
    const taken = rules.allocatedSize(type, size, hostPageSize);
    return this.#allocators[type].allocate(taken, rules.alignment(type, size, hostPageSize));
  }

  /**
   * Puts a BAR on its bus.
   *
   * @returns false if another BAR is in the way.
   */
  insert(device: VfioPciDevice, { attributes, start, size }: MmioRegion): boolean {
    return this.#busOf(attributes.type).insert(device, start, size);
  }

  /** Takes a device's BARs off the buses and gives their addresses back. */
  remove(device: VfioPciDevice): void {
    this.#ioBus.removeDevice(device);
    this.#mmioBus.removeDevice(device);
    const { rules, hostPageSize } = this.#options;
    if (!rules.freesAddresses) return;
    for (const { attributes, start, size } of device.mmioRegions) {
      const { type } = attributes;
      this.#allocators[type].free(start, rules.allocatedSize(type, size, hostPageSize));
    }
  }

  /** Whether trapped accesses to the BAR reach the device. */
  routes(device: VfioPciDevice, { attributes, start }: MmioRegion): boolean {
    return this.#busOf(attributes.type).routes(device, start);
  }

  /** The memory BAR that a trapped access to `address` reaches; `undefined` if none does. */
  barAt(address: bigint): { readonly device: VfioPciDevice; readonly region: MmioRegion } | undefined {
    const range = this.#mmioBus.at(address);
    const region = range?.device.mmioRegions.find(
      ({ start, attributes }) => attributes.type !== 'io' && start === range.base,
    );
    return region && range && { device: range.device, region };
  }

  /**
   * Moves a BAR in allocator, bus and device, in this order (DeviceRelocation::move_bar). A failure keeps the
   * steps before it.
   */
  move(device: VfioPciDevice, move: BarMove): MoveFailure | undefined {
    const { from, to, size, type } = move;
    if (!this.#reallocate(move)) return `failed allocating new ${type === 'io' ? 'IO' : 'MMIO'} range`;
    if (!this.#busOf(type).move(from, to, size)) return 'missing or overlapping address range';
    const isKnown = device.mmioRegions.some(
      ({ start, attributes }) => start === from && attributes.type === type,
    );
    return isKnown ? device.moveBar(from, to) : `couldn't find a resource with base 0x${from.toString(16)}`;
  }

  /**
   * Takes the new addresses and gives the old ones back. The allocator is not asked about a memory BAR that
   * lies outside of its window.
   *
   * @returns false if the new addresses are not free.
   */
  #reallocate({ from, to, size, type }: BarMove): boolean {
    const allocator = this.#allocators[type];
    if (!this.#options.rules.movesInAllocator) return true;
    if (type !== 'io' && !allocator.covers(from)) return true;
    const alignment = type === 'io' ? IO_ALIGNMENT : size;
    allocator.free(from, size);
    if (allocator.allocate(size, alignment, to) !== undefined) return true;
    if (this.#options.rules.undoesRefusedMove) allocator.allocate(size, alignment, from);
    return false;
  }

  #busOf(type: BarType): DeviceBus<VfioPciDevice> {
    return type === 'io' ? this.#ioBus : this.#mmioBus;
  }
}
