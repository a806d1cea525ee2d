import { END_OF_SPACE, gpa, offset, type Size } from '../address/index.ts';
import {
  HostAddresses,
  KvmMemslots,
  errnoName,
  type KernelRules,
  type Type1Container,
} from '../host/index.ts';
import { MemoryRegion, MemoryTopology, type AddressSpace } from '../memory/index.ts';
import { MsixControl } from '../pci-layout/index.ts';
import type { AccessPart, CpuAccess, EventSink, HostDevice } from '../vfio/index.ts';
import { AddressManager } from './address-manager.ts';
import { sizeBar } from './bar-sizing.ts';
import { DeviceManagerError } from './device-manager-error.ts';
import { ramParts } from './memory-layout.ts';
import type { CloudHypervisorRules } from './revision.ts';
import { accessTrapped } from './trapped-access.ts';
import { UserMemory, type UserMemoryRegion } from './user-memory.ts';
import { VfioOps } from './vfio-ops.ts';
import { VfioPciDevice, type MmioRegion } from './vfio-pci-device.ts';

/** What a VM is made of. */
export interface CloudHypervisorOptions {
  readonly rules: CloudHypervisorRules;
  /** Bytes of guest RAM. */
  readonly ram: Size;
  readonly hostPageSize: Size;
  /** The last guest-physical address that the host's CPU can translate. */
  readonly lastGpa?: bigint;
  /** The host's kernel; the newest by default. */
  readonly kernel?: KernelRules;
  /** Opens a new container on the host. */
  readonly makeIommu: () => Type1Container;
  readonly emit: EventSink;
}

/** A device that the user adds. */
export interface DeviceConfig {
  readonly id: string;
  readonly host: HostDevice;
  /** Whether the user excludes all BARs from mmap; versions without that option ignore the flag. */
  readonly noMmap: boolean;
}

const BAR_PRIORITY = 1;

/**
 * cloud-hypervisor with its VM: RAM, passed-through devices, and the one container that the devices share
 * (vmm/src/device_manager.rs). cloud-hypervisor renders no flat view and has no memory listeners. It gives
 * each part of RAM and each area of a BAR a KVM slot and a DMA mapping of its own. RAM is mapped for DMA
 * when the first device is added. The memory map is that of x86-64, with host pages of any size.
 */
export class CloudHypervisor {
  readonly topology = new MemoryTopology();
  readonly system = MemoryRegion.container('system', END_OF_SPACE);
  readonly memory: AddressSpace;
  readonly kvm: KvmMemslots;
  readonly devices: VfioPciDevice[] = [];
  /** The container in use; `undefined` before the first device is added, and after the last is removed. */
  vfioOps: VfioOps | undefined;
  /** The containers that were closed. */
  readonly closed: VfioOps[] = [];
  readonly #options: CloudHypervisorOptions;
  readonly #hostAddresses = new HostAddresses();
  readonly #userMemory: UserMemory;
  readonly #ram: readonly UserMemoryRegion[];
  readonly #configs = new Map<string, DeviceConfig>();
  #addresses: AddressManager;

  constructor(options: CloudHypervisorOptions) {
    this.#options = options;
    const { hostPageSize, lastGpa, kernel, emit } = options;
    this.memory = this.topology.createAddressSpace('memory', this.system);
    this.kvm = new KvmMemslots({
      hostPageSize,
      kernel,
      ...(lastGpa !== undefined && { lastGpa: gpa(lastGpa) }),
    });
    this.#userMemory = new UserMemory({
      kvm: this.kvm,
      topology: this.topology,
      system: this.system,
      emit,
      rules: options.rules,
    });
    this.#addresses = new AddressManager(options);
    this.#ram = ramParts(options.ram).map(({ name, start, size }) => ({
      slot: this.#userMemory.takeSlot(),
      start,
      region: MemoryRegion.ram(name, size, { hostAddress: this.#hostAddresses.reserve(size, hostPageSize) }),
    }));
  }

  /**
   * Boots the VM with these devices.
   *
   * @throws DeviceManagerError for the first device that cannot be added. The VM does not start, and
   *   cloud-hypervisor takes back all that it has done.
   */
  boot(configs: readonly DeviceConfig[]): void {
    for (const memory of this.#ram) {
      if (memory.region.container === undefined) this.#userMemory.create(memory);
    }
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
   * Adds a device to the running VM (add_vfio_device). After a refusal the VMM does not undo its earlier steps: the
   * container stays open, with RAM mapped.
   *
   * @throws DeviceManagerError for a device that cannot be added.
   */
  hotplug(config: DeviceConfig): void {
    this.#addDevice(config);
  }

  /**
   * Removes a device that the guest has released (eject_device). The container closes with the last device.
   */
  eject(device: VfioPciDevice): void {
    this.#removeDevice(device);
    if (this.devices.length === 0 && this.#options.rules.closesContainer) this.#closeContainer();
  }

  /**
   * Reboots: shuts the VM down and boots a new one with the present devices (vm_reboot).
   *
   * @throws DeviceManagerError as `boot` does.
   */
  reboot(): void {
    const configs = this.devices.map(({ id }) => this.#configs.get(id)!);
    this.shutDown();
    if (this.#options.rules.rebootFreesAddresses) this.#addresses = new AddressManager(this.#options);
    this.boot(configs);
  }

  shutDown(): void {
    for (const device of [...this.devices]) this.#removeDevice(device);
    this.#closeContainer();
  }

  /** The guest programs a BAR: for a 64-bit BAR the low half first, then the high half. */
  programBar(device: VfioPciDevice, index: number, address: bigint): void {
    device.registers.program(index, address);
    if (this.#options.rules.movesEnabledBar === 'at-once') this.#movePending(device);
  }

  /**
   * The guest sizes a BAR.
   *
   * @param probe what the guest writes into a 32-bit register in place of all ones.
   */
  sizeBar(device: VfioPciDevice, index: number, probe: bigint | undefined): void {
    const { rules, emit } = this.#options;
    sizeBar(device, index, {
      probe,
      rules,
      emit,
      program: (address) => this.programBar(device, index, address),
    });
  }

  /** The guest writes COMMAND and so switches the decoding of memory BARs on or off. */
  setMemoryEnabled(device: VfioPciDevice, enabled: boolean): void {
    device.memoryEnabled = enabled;
    this.#movePending(device);
  }

  /** The guest switches MSI-X on or off. Does nothing without the capability. */
  setMsixEnabled(device: VfioPciDevice, enabled: boolean): void {
    const { msixState } = device;
    if (msixState === undefined) return;
    const control = msixState.readControl();
    msixState.writeControl(enabled ? control | MsixControl.ENABLE : control & ~MsixControl.ENABLE);
    this.#movePending(device);
  }

  /** Carries out an access of a CPU that exits to the VMM. @throws VmmAbort where the VMM crashes. */
  accessTrapped(access: CpuAccess): readonly AccessPart[] {
    return accessTrapped(access, this.#addresses.barAt(access.address), this.#options.rules);
  }

  /** The address at which trapped accesses reach a BAR; `undefined` if none do. */
  placeOf(device: VfioPciDevice, region: MmioRegion): bigint | undefined {
    return this.#addresses.routes(device, region) ? region.start : undefined;
  }

  /** Maps into `vfioOps` the memory that a container opened now would have mapped. */
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
      allocate: (attributes, size) => this.#addresses.allocate(attributes, size),
      reserve: this.#hostAddresses.reserve,
      emit,
    });
    try {
      if (rules.commits === 'before-mapping') this.#commit(device);
      device.mapMmioRegions(noMmap);
      if (rules.commits === 'after-mapping') this.#commit(device);
    } catch (error) {
      // A refused device that is on its bus stays there. Otherwise the VMM drops the device, which unmaps its areas.
      if (rules.commits === 'after-mapping') device.unmapMmioRegions();
      throw error;
    }
    this.#configs.set(id, config);
  }

  /**
   * Puts the device on its bus, where the guest finds it (add_pci_device, commit_pci_device).
   *
   * @throws DeviceManagerError if another device is in the way of one of its BARs.
   */
  #commit(device: VfioPciDevice): void {
    this.devices.push(device);
    for (const region of device.mmioRegions) {
      if (!this.#addresses.insert(device, region)) {
        const at = `0x${region.start.toString(16)}`;
        throw new DeviceManagerError(`could not register BAR ${region.index} at ${at}: overlap`);
      }
      this.#show(device);
    }
  }

  #removeDevice(device: VfioPciDevice): void {
    this.devices.splice(this.devices.indexOf(device), 1);
    this.#addresses.remove(device);
    this.#show(device);
    device.unmapMmioRegions();
  }

  /** The container of all devices. Opening it maps RAM for DMA (add_vfio_device). */
  #openContainer(): VfioOps {
    if (this.vfioOps !== undefined) return this.vfioOps;
    const { makeIommu, emit } = this.#options;
    const count = this.closed.length;
    const vfioOps = new VfioOps(count === 0 ? 'container' : `container#${count + 1}`, makeIommu(), emit);
    this.vfioOps = vfioOps;
    for (const memory of this.#ram) {
      if (!this.#options.rules.mapsRam(memory.start, memory.region.size, count)) continue;
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

  /** Makes the moves that the guest has programmed, if memory is enabled (PciConfigIo and PciConfigMmio). */
  #movePending(device: VfioPciDevice): void {
    if (!device.memoryEnabled) return;
    const { rules, emit } = this.#options;
    for (const move of device.registers.takePending()) {
      const failure = this.#addresses.move(device, move);
      for (const other of this.devices) this.#show(other);
      if (failure === undefined) continue;
      const { from, to, size } = move;
      const span = `0x${from.toString(16)}->0x${to.toString(16)}(0x${size.toString(16)})`;
      emit({ type: 'message', text: `Failed moving device BAR: ${failure}: ${span}` });
      if (rules.undoesRefusedMove) device.registers.restore(move);
    }
  }

  /** Puts the io region of each memory BAR where trapped accesses reach the BAR. */
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
}
