import { offset, smallestPage, type Size } from '../address/index.ts';
import { HostAddresses, KvmMemslots, type IommuContainer } from '../host/index.ts';
import { RAM_ALIGNMENT, TARGET_PAGE_SIZE, buildMachine, type Machine } from '../machine/index.ts';
import { MemoryRegion, MemoryTopology } from '../memory/index.ts';
import { coldPlugged, type DeviceSpec, type Operation, type Scenario } from '../scenario/index.ts';
import {
  DeviceRefused,
  MemslotListener,
  VfioContainer,
  VfioDevice,
  VmmAbort,
  type EventSink,
  type Revision,
  type VmmEvent,
} from '../vfio/index.ts';
import { makeHostDevice } from './host-devices.ts';
import { makeHostIommu } from './host-iommu.ts';

/** A VMM and its host: the machine of a scenario with devices, containers and KVM, as far as it has come. */
export class Vmm {
  readonly scenario: Scenario;
  readonly revision: Revision;
  readonly topology: MemoryTopology;
  readonly machine: Machine;
  readonly optsOutOfMsixEmulation: boolean;
  readonly kvm: KvmMemslots;
  readonly containers: VfioContainer[] = [];
  readonly devices: VfioDevice[] = [];
  readonly #containerOf = new Map<VfioDevice, VfioContainer>();
  readonly #overlays = new Map<string, MemoryRegion>();
  readonly #memslots: MemslotListener;
  readonly #namesTaken = new Map<string, number>();
  readonly #hostAddresses = new HostAddresses();
  #started = false;
  #events: VmmEvent[] = [];

  constructor(scenario: Scenario, revision: Revision) {
    this.scenario = scenario;
    this.revision = revision;
    const { machine } = scenario;
    const topology = new MemoryTopology(revision.memory);
    this.topology = topology;
    this.machine = buildMachine(machine.type, {
      topology,
      ram: machine.ram,
      hostPageSize: machine.hostPageSize,
      rules: revision.machine,
      reserve: this.#hostAddresses.reserve,
    });
    this.optsOutOfMsixEmulation =
      machine.msixEmulation === 'machine-default'
        ? this.machine.optsOutOfMsixEmulation
        : machine.msixEmulation === 'off';
    // KVM on POWER has no read-only slots.
    const readonlySlots = machine.type !== 'pseries';
    this.kvm = new KvmMemslots({ hostPageSize: machine.hostPageSize, supportsReadonly: readonlySlots });
    this.#memslots = new MemslotListener({
      rules: revision.memslots,
      kvm: this.kvm,
      pages: { host: machine.hostPageSize, target: TARGET_PAGE_SIZE },
      readonlySlots,
      // The program behind which vfio-user devices are tested runs without KVM.
      refusalIsFatal: scenario.host.iommu.type !== 'vfio-user',
      emit: this.#emit,
    });
  }

  /** The events since the last call. */
  takeEvents(): readonly VmmEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Tells KVM of the memory, plugs in the devices that are there from the beginning, and resets the machine as every start does. */
  start(): void {
    this.topology.registerListener(this.#memslots, this.machine.memory);
    const present = coldPlugged(this.scenario);
    const plugAll = (): void => present.forEach((device) => this.#plug(device));
    // Where a reset kills a VMM with such a device, the only way to have one is to plug it in afterwards.
    const afterReset = this.#resetKillsContainers;
    if (!afterReset) plugAll();
    this.#reset();
    this.#started = true;
    if (afterReset) plugAll();
  }

  /**
   * Carries out one operation.
   *
   * @throws DeviceRefused, VmmAbort
   */
  perform(operation: Operation): void {
    switch (operation.op) {
      case 'set-bar':
        return this.#device(operation.device).setBar(operation.bar, operation.address);
      case 'size-bar':
        return this.#device(operation.device).sizeBar(operation.bar);
      case 'enable-memory':
      case 'disable-memory':
        return this.#device(operation.device).setMemoryEnabled(operation.op === 'enable-memory');
      case 'enable-msix':
      case 'disable-msix':
        return this.#device(operation.device).setMsixEnabled(operation.op === 'enable-msix');
      case 'mask-vector':
        return this.#device(operation.device).msixState?.maskVector(operation.vector, operation.masked);
      case 'hotplug':
        return this.#plug(this.scenario.devices.find(({ id }) => id === operation.device)!);
      case 'unplug':
        return this.#unplugByGuest(this.#device(operation.device));
      case 'reset':
        return this.#reset();
      case 'add-region':
        return this.#addOverlay(operation);
      case 'remove-region':
        return this.#removeOverlay(operation.name);
      case 'begin':
        return this.topology.begin();
      case 'commit':
        return this.topology.commit();
    }
  }

  /** Takes all devices away. */
  shutDown(): void {
    while (this.topology.inTransaction) this.topology.commit();
    for (const device of [...this.devices]) this.#unplug(device);
  }

  /** A container, in step with the machine from now on, or (`detached`) only as it is now. */
  makeContainer(name: string, iommu: IommuContainer, emit: EventSink, detached = false): VfioContainer {
    const { machine, host } = this.scenario;
    return new VfioContainer({
      name,
      detached,
      revision: this.revision,
      iommuType: host.iommu.type,
      iommu,
      topology: this.topology,
      dmaSpace: this.machine.bus.dmaSpace,
      memory: this.machine.memory,
      hostPageSize: machine.hostPageSize,
      targetPageSize: TARGET_PAGE_SIZE,
      emit,
    });
  }

  /** Maps into `iommu` what a container that is made now would hold. */
  mapAnew(name: string, iommu: IommuContainer): void {
    this.makeContainer(name, iommu, () => undefined, true);
  }

  /** The host's side of a container that nobody has used yet. */
  makeIommu(): IommuContainer {
    const { machine, host } = this.scenario;
    return makeHostIommu(host.iommu, machine.hostPageSize, this.revision.host);
  }

  /** The smallest page that the host's IOMMU container offers. */
  iommuPageSize(): Size {
    return smallestPage((this.containers[0]?.iommu ?? this.makeIommu()).pageSizes);
  }

  readonly #emit: EventSink = (event) => {
    this.#events.push(event);
  };

  #device(id: string): VfioDevice {
    return this.devices.find((device) => device.id === id)!;
  }

  #plug(spec: DeviceSpec): void {
    const { host, machine } = this.scenario;
    const container = this.#connect(spec.id);
    try {
      const device = new VfioDevice(
        spec.id,
        makeHostDevice(spec, host, machine.hostPageSize, this.revision.host),
        {
          msixRelocation: spec.options['x-msix-relocation'] ?? 'off',
          noMmap: spec.options['x-no-mmap'] ?? false,
          noMsixEmulation: spec.options['x-no-msix-emulation'],
        },
        {
          bus: this.machine.bus,
          rules: this.revision.device,
          pciRules: this.revision.pci,
          hostPageSize: machine.hostPageSize,
          machineOptsOutOfMsixEmulation: this.optsOutOfMsixEmulation,
          vfioUser: host.iommu.type === 'vfio-user',
          reserve: this.#hostAddresses.reserve,
          emit: this.#emit,
        },
      );
      this.devices.push(device);
      this.#containerOf.set(device, container);
    } catch (error) {
      if (error instanceof DeviceRefused) {
        this.#release(container);
        const message = `vfio ${spec.name}: ${error.message}`;
        // What has no regions leaves nothing behind that could be released too late.
        const fatal = this.revision.device.hotplugRefusal === 'crash' && spec.bars.length > 0;
        if (this.#started && fatal) {
          throw new VmmAbort(
            'hotplug-refusal-segfault',
            `SIGSEGV after refusing a hot-plugged device: ${message}`,
          );
        }
        throw new DeviceRefused(message);
      }
      throw error;
    }
  }

  /** The container for a new device: one for all of them, or with vfio-user one each. */
  #connect(device: string): VfioContainer {
    const separate = this.scenario.host.iommu.type === 'vfio-user';
    const existing = separate ? undefined : this.containers[0];
    if (existing !== undefined) return existing;
    const container = this.makeContainer(
      this.#nameContainer(separate ? device : 'container'),
      this.makeIommu(),
      this.#emit,
    );
    this.containers.push(container);
    return container;
  }

  /** A container that is made after another was closed is another one, and called so. */
  #nameContainer(name: string): string {
    const before = this.#namesTaken.get(name) ?? 0;
    this.#namesTaken.set(name, before + 1);
    return before === 0 ? name : `${name}#${before + 1}`;
  }

  /** A container ends with its last device. */
  #release(container: VfioContainer): void {
    if ([...this.#containerOf.values()].includes(container)) return;
    container.disconnect();
    this.containers.splice(this.containers.indexOf(container), 1);
  }

  /** Unplugs a device from a machine that goes on; that a VMM which ends survives it as well is no merit. */
  #unplugByGuest(device: VfioDevice): void {
    this.#unplug(device);
    const served = this.scenario.host.iommu.type === 'vfio-user';
    if (served && device.msixState !== undefined && this.revision.device.msixUnplug === 'crash') {
      throw new VmmAbort(
        'msix-unplug-assertion',
        "memory_region_del_subregion: Assertion `subregion->container == mr' failed.",
      );
    }
  }

  #unplug(device: VfioDevice): void {
    device.unplug();
    this.devices.splice(this.devices.indexOf(device), 1);
    const container = this.#containerOf.get(device)!;
    this.#containerOf.delete(device);
    this.#release(container);
  }

  /** Whether a reset of this machine dies of a container that is not one of the kernel's. */
  get #resetKillsContainers(): boolean {
    const { machine, host } = this.scenario;
    return (
      this.revision.machine.phbResetNeedsKernelContainer &&
      machine.type === 'pseries' &&
      host.iommu.type === 'vfio-user'
    );
  }

  #reset(): void {
    // With several containers QEMU does not know which to ask, and asks none (vfio_eeh_as_container).
    if (this.#resetKillsContainers && this.containers.length === 1) {
      throw new VmmAbort(
        'eeh-container-cast',
        'VFIO_IOMMU_LEGACY: Object is not an instance of type vfio-iommu-legacy',
      );
    }
    this.machine.reset();
    // A bus resets the device that was plugged in last first.
    for (const device of this.devices.toReversed()) device.reset();
  }

  #addOverlay(operation: Extract<Operation, { op: 'add-region' }>): void {
    const { name, kind, size, address, priority } = operation;
    const region =
      kind === 'io'
        ? MemoryRegion.io(name, size)
        : MemoryRegion[kind](name, size, { hostAddress: this.#hostAddresses.reserve(size, RAM_ALIGNMENT) });
    this.#overlays.set(name, region);
    this.topology.addSubregion(this.machine.system, region, offset(address), priority);
  }

  #removeOverlay(name: string): void {
    this.topology.removeSubregion(this.#overlays.get(name)!);
    this.#overlays.delete(name);
  }
}
