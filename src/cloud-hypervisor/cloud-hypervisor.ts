import {
  END_OF_SPACE,
  alignUp,
  hostAddress,
  isAligned,
  offset,
  type HostAddress,
  type Size,
} from '../address/index.ts';
import { KvmMemslots, errnoName, type Type1Container } from '../host/index.ts';
import { MemoryRegion, MemoryTopology, type AddressSpace } from '../memory/index.ts';
import type { BarAttributes, BarType } from '../pci-layout/index.ts';
import type { EventSink, HostDevice } from '../vfio/index.ts';
import { AddressAllocator } from './address-allocator.ts';
import type { BarMove } from './bar-registers.ts';
import { DeviceBus } from './device-bus.ts';
import { DeviceManagerError } from './device-manager-error.ts';
import type { CloudHypervisorRules } from './revision.ts';
import { UserMemory, type UserMemoryRegion } from './user-memory.ts';
import { VfioOps } from './vfio-ops.ts';
import { VfioPciDevice, type MmioRegion, type MoveFailure } from './vfio-pci-device.ts';

/** What a VMM is made from. */
export interface CloudHypervisorOptions {
  readonly rules: CloudHypervisorRules;
  /** Bytes of guest RAM. */
  readonly ram: Size;
  readonly hostPageSize: Size;
  /** The host's side of a container that nobody has used yet. */
  readonly makeIommu: () => Type1Container;
  readonly emit: EventSink;
}

/** A device to be added. */
export interface DeviceConfig {
  readonly id: string;
  readonly host: HostDevice;
  /** Whether none of its BARs is to be mmapped, where a version can do that. */
  readonly noMmap: boolean;
}

const MIB = 1n << 20n;
const GIB = 1n << 30n;
/** Between RAM and 4 GiB, on x86-64: BARs of 32 bits, configuration space, and more (arch/src/x86_64/layout.rs). */
const MEM_32BIT_DEVICES_START = 3n * GIB;
const MEM_32BIT_DEVICES_SIZE = 640n * MIB;
const RAM_64BIT_START = 4n * GIB;
/** What a server's CPU can address: 46 bits, less what mmio_address_space_size keeps back. */
const END_OF_DEVICE_AREA = (1n << 46n) - (1n << 16n);
const IO_PORTS = 1n << 16n;
/** The first address that the VMM's own mappings get. */
const FIRST_HOST_ADDRESS = 0x7f00_0000_0000n;
const BAR_PRIORITY = 1;

/**
 * cloud-hypervisor with its VM: RAM, devices passed through, and the one container that they share
 * (vmm/src/device_manager.rs). It has no view of memory that is rendered and listened to. Each part of RAM
 * and each area of a BAR gets a slot of KVM and a DMA mapping by itself, where the VMM puts it; only RAM
 * waits for the first device. The memory map is that of x86-64, with whatever pages the host has.
 */
export class CloudHypervisor {
  readonly topology = new MemoryTopology();
  readonly system = MemoryRegion.container('system', END_OF_SPACE);
  readonly memory: AddressSpace;
  readonly kvm: KvmMemslots;
  readonly devices: VfioPciDevice[] = [];
  /** The container in use, and those that were closed. */
  vfioOps: VfioOps | undefined;
  readonly closed: VfioOps[] = [];
  readonly #options: CloudHypervisorOptions;
  readonly #userMemory: UserMemory;
  readonly #ram: readonly UserMemoryRegion[];
  readonly #configs = new Map<string, DeviceConfig>();
  #ioBus = new DeviceBus<VfioPciDevice>();
  #mmioBus = new DeviceBus<VfioPciDevice>();
  #allocators: Readonly<Record<BarType, AddressAllocator>>;
  #nextHostAddress = FIRST_HOST_ADDRESS;

  constructor(options: CloudHypervisorOptions) {
    this.#options = options;
    const { hostPageSize, emit } = options;
    this.memory = this.topology.createAddressSpace('memory', this.system);
    this.kvm = new KvmMemslots({ hostPageSize });
    this.#userMemory = new UserMemory(this.kvm, this.topology, this.system, emit);
    this.#allocators = this.#makeAllocators();
    this.#ram = this.#makeRam();
  }

  /**
   * Boots the VM with these devices.
   *
   * @throws DeviceManagerError for the first that cannot be added: there is no VM then, and nothing is left.
   */
  boot(configs: readonly DeviceConfig[]): void {
    for (const memory of this.#ram) if (!this.#isShown(memory)) this.#userMemory.create(memory);
    try {
      for (const config of configs) this.#addDevice(config);
    } catch (error) {
      this.shutDown();
      for (const { slot } of this.kvm.slots()) {
        if (!this.#ram.some((memory) => memory.slot === slot)) this.kvm.delete(slot);
      }
      throw error;
    }
  }

  /**
   * Adds a device to the running VM (add_vfio_device). One that is refused leaves behind what was done for
   * it, the container with as much of RAM as was mapped among it.
   *
   * @throws DeviceManagerError
   */
  hotplug(config: DeviceConfig): void {
    this.#addDevice(config);
  }

  /** The guest has let go of a device (eject_device); the container goes with the last. */
  eject(device: VfioPciDevice): void {
    this.#removeDevice(device);
    if (this.devices.length === 0) this.#closeContainer();
  }

  /** A reboot makes the VM anew, with the devices that it has by now (vm_reboot). */
  reboot(): void {
    const configs = this.devices.map(({ id }) => this.#configs.get(id)!);
    this.shutDown();
    this.#ioBus = new DeviceBus();
    this.#mmioBus = new DeviceBus();
    this.#allocators = this.#makeAllocators();
    this.boot(configs);
  }

  shutDown(): void {
    for (const device of [...this.devices]) this.#removeDevice(device);
    this.#closeContainer();
  }

  /** The guest programs a BAR: the low half of a 64-bit one first. */
  programBar(device: VfioPciDevice, index: number, address: bigint): void {
    device.registers.program(index, address);
    if (this.#options.rules.movesEnabledBar === 'at-once') this.#movePending(device);
  }

  /** The guest writes COMMAND, and by it switches the decoding of memory BARs on or off. */
  setMemoryEnabled(device: VfioPciDevice, enabled: boolean): void {
    device.memoryEnabled = enabled;
    this.#movePending(device);
  }

  /** The guest switches MSI-X on or off; nothing without the capability. */
  setMsixEnabled(device: VfioPciDevice, enabled: boolean): void {
    const { msixState } = device;
    if (msixState === undefined) return;
    const control = msixState.readControl();
    msixState.writeControl(enabled ? control | 0x8000 : control & ~0x8000);
    this.#movePending(device);
  }

  /** Where a BAR answers, or nothing when accesses do not find it. */
  placeOf(device: VfioPciDevice, { start, attributes }: MmioRegion): bigint | undefined {
    return this.#busOf(attributes.type).routes(device, start) ? start : undefined;
  }

  /** Maps into `vfioOps` all that a container would hold that was opened now. */
  mapAnew(vfioOps: VfioOps): void {
    const areas = this.devices.flatMap(({ mmioRegions }) =>
      mmioRegions.flatMap(({ userMemoryRegions }) => userMemoryRegions),
    );
    for (const memory of [...this.#ram, ...areas]) vfioOps.map(memory);
  }

  #addDevice(config: DeviceConfig): void {
    const { rules, hostPageSize, emit } = this.#options;
    const { id, host, noMmap } = config;
    const device = new VfioPciDevice(id, host, {
      rules,
      hostPageSize,
      topology: this.topology,
      userMemory: this.#userMemory,
      vfioOps: this.#openContainer(),
      allocate: (attributes, size) => this.#allocate(attributes, size),
      reserve: this.#reserve,
      emit,
    });
    try {
      if (rules.commits === 'before-mapping') this.#commit(device);
      device.mapMmioRegions(noMmap);
      if (rules.commits === 'after-mapping') this.#commit(device);
    } catch (error) {
      // Once it is on its bus a device stays there; otherwise it is dropped, and unmaps what it has.
      if (rules.commits === 'after-mapping') device.unmapMmioRegions();
      throw error;
    }
    this.#configs.set(id, config);
  }

  /**
   * Puts the device on its bus, where the guest finds it (add_pci_device, commit_pci_device).
   *
   * @throws DeviceManagerError when something else answers where one of its BARs should.
   */
  #commit(device: VfioPciDevice): void {
    this.devices.push(device);
    for (const { index, attributes, start, size } of device.mmioRegions) {
      if (!this.#busOf(attributes.type).insert(device, start, size))
        throw new DeviceManagerError(`could not register BAR ${index} at 0x${start.toString(16)}: overlap`);
      this.#show(device);
    }
  }

  #removeDevice(device: VfioPciDevice): void {
    this.devices.splice(this.devices.indexOf(device), 1);
    this.#ioBus.removeDevice(device);
    this.#mmioBus.removeDevice(device);
    this.#show(device);
    for (const { attributes, start, size } of device.mmioRegions) {
      this.#allocators[attributes.type].free(start, size);
    }
    device.unmapMmioRegions();
  }

  /** The container of all devices; the first of them brings it RAM (add_vfio_device). */
  #openContainer(): VfioOps {
    if (this.vfioOps !== undefined) return this.vfioOps;
    const { makeIommu, emit } = this.#options;
    const count = this.closed.length;
    const vfioOps = new VfioOps(count === 0 ? 'container' : `container#${count + 1}`, makeIommu(), emit);
    this.vfioOps = vfioOps;
    for (const memory of this.#ram) {
      const errno = vfioOps.map(memory);
      if (errno !== 0) throw new DeviceManagerError(`could not map RAM for DMA: ${errnoName(errno)}`);
    }
    return vfioOps;
  }

  #closeContainer(): void {
    if (this.vfioOps === undefined) return;
    this.vfioOps.close();
    this.closed.push(this.vfioOps);
    this.vfioOps = undefined;
  }

  /** Makes the moves that software has asked for, once memory is enabled (PciConfigIo and PciConfigMmio). */
  #movePending(device: VfioPciDevice): void {
    if (!device.memoryEnabled) return;
    const { rules, emit } = this.#options;
    for (const move of device.registers.takePending()) {
      const failure = this.#moveBar(device, move);
      if (failure === undefined) continue;
      const { from, to, size } = move;
      const span = `0x${from.toString(16)}->0x${to.toString(16)}(0x${size.toString(16)})`;
      emit({ type: 'message', text: `Failed moving device BAR: ${failure}: ${span}` });
      if (rules.undoesRefusedMove) device.registers.restore(move);
    }
  }

  /** DeviceRelocation::move_bar: allocator, bus, device tree, and the device itself. */
  #moveBar(device: VfioPciDevice, { from, to, size, type }: BarMove): MoveFailure | undefined {
    const allocator = this.#allocators[type];
    const alignment = type === 'io' ? 4n : size;
    if (type === 'io' || allocator.covers(from)) {
      allocator.free(from, size);
      if (allocator.allocate(size, alignment, to) === undefined) {
        if (this.#options.rules.undoesRefusedMove) allocator.allocate(size, alignment, from);
        return `failed allocating new ${type === 'io' ? 'IO' : 'MMIO'} range`;
      }
    }
    const moved = this.#busOf(type).move(from, to, size);
    const known = device.mmioRegions.some(
      ({ start, attributes }) => start === from && attributes.type === type,
    );
    const failure = !moved
      ? 'missing or overlapping address range'
      : known
        ? device.moveBar(from, to)
        : `couldn't find a resource with base 0x${from.toString(16)}`;
    for (const other of this.devices) this.#show(other);
    return failure;
  }

  /** Puts every memory BAR where accesses find it. */
  #show(device: VfioPciDevice): void {
    for (const region of device.mmioRegions) {
      if (region.attributes.type === 'io') continue;
      const { bar } = region;
      const place = this.devices.includes(device) ? this.placeOf(device, region) : undefined;
      if (bar.container !== undefined && bar.address === place) continue;
      if (bar.container !== undefined) this.topology.removeSubregion(bar);
      if (place !== undefined) this.topology.addSubregion(this.system, bar, offset(place), BAR_PRIORITY);
    }
  }

  #busOf(type: BarType): DeviceBus<VfioPciDevice> {
    return type === 'io' ? this.#ioBus : this.#mmioBus;
  }

  /** A 64-bit BAR begins on a host page, a 32-bit one wherever its size lets it (VfioCommon::allocate_bars). */
  #allocate({ type }: BarAttributes, size: Size): bigint | undefined {
    const { hostPageSize } = this.#options;
    const natural = type === 'mem64' && size < hostPageSize ? hostPageSize : size;
    return this.#allocators[type].allocate(size, type === 'io' ? 4n : natural);
  }

  #makeAllocators(): Record<BarType, AddressAllocator> {
    const { ram } = this.#options;
    const endOfRam = ram <= MEM_32BIT_DEVICES_START ? 0n : RAM_64BIT_START + ram - MEM_32BIT_DEVICES_START;
    const start = endOfRam > RAM_64BIT_START ? endOfRam : RAM_64BIT_START;
    return {
      io: new AddressAllocator(0n, IO_PORTS),
      mem32: new AddressAllocator(MEM_32BIT_DEVICES_START, MEM_32BIT_DEVICES_SIZE),
      mem64: new AddressAllocator(start, END_OF_DEVICE_AREA - start),
    };
  }

  /** RAM below the hole for devices, and what does not fit there from 4 GiB on (arch_memory_regions). */
  #makeRam(): readonly UserMemoryRegion[] {
    const { ram, hostPageSize } = this.#options;
    const low = ram < MEM_32BIT_DEVICES_START ? ram : MEM_32BIT_DEVICES_START;
    const parts = [
      { name: 'mem0', start: 0n, size: low },
      { name: 'mem0 above 4G', start: RAM_64BIT_START, size: ram - low },
    ];
    return parts
      .filter(({ size }) => size > 0n)
      .map(({ name, start, size }) => ({
        slot: this.#userMemory.takeSlot(),
        start,
        region: MemoryRegion.ram(name, size, { hostAddress: this.#reserve(size, hostPageSize) }),
      }));
  }

  #isShown = ({ region }: UserMemoryRegion): boolean => region.container !== undefined;

  /** Addresses are exactly as aligned as asked for: more would hide what too little leads to. */
  readonly #reserve = (size: Size, alignment: Size): HostAddress => {
    let start = alignUp(this.#nextHostAddress, alignment);
    if (isAligned(start, 2n * alignment)) start += alignment;
    this.#nextHostAddress = start + size;
    return hostAddress(start);
  };
}
