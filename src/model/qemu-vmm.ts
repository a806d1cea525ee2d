import type { Size } from '../address/index.ts';
import { HostAddresses, type IommuContainer, type KvmMemslots } from '../host/index.ts';
import { TARGET_PAGE_SIZE, buildMachine, type Machine } from '../machine/index.ts';
import { MemoryTopology } from '../memory/index.ts';
import { coldPlugged, cpuOf, type Operation, type Scenario } from '../scenario/index.ts';
import {
  MemslotListener,
  StartRefused,
  VmmAbort,
  accessMemory,
  type AccessEnvironment,
  type EventSink,
  type Revision,
  type VfioContainer,
  type VfioDevice,
  type VmmEvent,
} from '../vfio/index.ts';
import type { PluggedMemory } from '../trace/index.ts';
import { accessBar } from './guest-accesses.ts';
import { makeHostFaults } from './host-faults.ts';
import { makeHostKvm } from './host-kvm.ts';
import type { ModelledVmm } from './modelled-vmm.ts';
import { OverlayRegions } from './overlay-regions.ts';
import { QemuContainers } from './qemu-containers.ts';
import { QemuDevices } from './qemu-devices.ts';
import { isVfioUser, type QemuEnvironment } from './qemu-environment.ts';

/** A modelled QEMU of one revision with its host and KVM, driven by the operations of a scenario. */
export class QemuVmm implements ModelledVmm {
  readonly scenario: Scenario;
  readonly revision: Revision;
  readonly topology: MemoryTopology;
  readonly machine: Machine;
  readonly optsOutOfMsixEmulation: boolean;
  readonly kvm: KvmMemslots;
  readonly #containers: QemuContainers;
  readonly #devices: QemuDevices;
  readonly #overlays: OverlayRegions;
  readonly #memslots: MemslotListener;
  #hasStarted = false;
  #events: VmmEvent[] = [];

  constructor(scenario: Scenario, revision: Revision) {
    this.scenario = scenario;
    this.revision = revision;
    const { machine } = scenario;
    const cpu = cpuOf(scenario);
    const topology = new MemoryTopology(revision.memory);
    const { reserve } = new HostAddresses();
    this.topology = topology;
    this.machine = buildMachine(machine.type, {
      topology,
      ram: machine.ram,
      hostPageSize: machine.hostPageSize,
      cpu: cpu && { isAmd: cpu.vendor === 'amd', physBits: cpu.physBits },
      pciHole64Size: machine.pciHole64Size,
      highmemMmioSize: machine.highmemMmioSize,
      rules: revision.machine,
      reserve,
    });
    this.optsOutOfMsixEmulation =
      machine.msixEmulation === 'machine-default'
        ? this.machine.optsOutOfMsixEmulation
        : machine.msixEmulation === 'off';
    // KVM on POWER has no read-only slots.
    const readonlySlots = machine.type !== 'pseries';
    this.kvm = makeHostKvm(scenario);
    const faults = makeHostFaults(scenario);
    this.#memslots = new MemslotListener({
      rules: revision.memslots,
      kvm: this.kvm,
      pages: { host: machine.hostPageSize, target: TARGET_PAGE_SIZE },
      readonlySlots,
      isLogging: () => topology.dirtyLogging.isOn,
      // The QEMU that vfio-user devices are tested with runs without KVM, so no refused slot can end it.
      refusalIsFatal: !isVfioUser(scenario),
      faults,
      emit: this.#emit,
    });
    const environment: QemuEnvironment = {
      scenario,
      revision,
      topology,
      machine: this.machine,
      faults,
      emit: this.#emit,
    };
    this.#overlays = new OverlayRegions(topology, this.machine, reserve, revision.memory);
    this.#containers = new QemuContainers(environment);
    this.#devices = new QemuDevices(environment, {
      containers: this.#containers,
      reserve,
      optsOutOfMsixEmulation: this.optsOutOfMsixEmulation,
    });
  }

  get containers(): readonly VfioContainer[] {
    return this.#containers.open;
  }

  get devices(): readonly VfioDevice[] {
    return this.#devices.plugged;
  }

  get plugged(): PluggedMemory | undefined {
    return this.#overlays.plugged;
  }

  takeEvents(): readonly VmmEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Registers KVM's memory listener, plugs in the cold-plugged devices, and resets the machine, as QEMU does at start. */
  start(): void {
    if (this.machine.refusal !== undefined) throw new StartRefused(this.machine.refusal);
    this.topology.registerListener(this.#memslots, this.machine.memory);
    const plugAll = (): void => {
      for (const spec of coldPlugged(this.scenario)) this.#devices.plug(spec, this.#hasStarted);
    };
    // Where the reset at start would kill QEMU, the devices can only be hot-plugged.
    const afterReset = this.#resetKillsContainers;
    if (!afterReset) plugAll();
    this.#reset();
    this.#hasStarted = true;
    if (afterReset) plugAll();
  }

  perform(operation: Operation): void {
    const devices = this.#devices;
    switch (operation.op) {
      case 'set-bar':
        return devices.get(operation.device).setBar(operation.bar, operation.address);
      case 'set-rom':
        return devices.get(operation.device).setRom(operation.address, operation.enabled);
      case 'size-bar':
        return devices.get(operation.device).sizeBar(operation.bar, operation.probe);
      case 'enable-memory':
      case 'disable-memory':
        return devices.get(operation.device).setMemoryEnabled(operation.op === 'enable-memory');
      case 'enable-io':
      case 'disable-io':
        return devices.get(operation.device).setIoEnabled(operation.op === 'enable-io');
      case 'enable-msix':
      case 'disable-msix':
        return devices.get(operation.device).setMsixEnabled(operation.op === 'enable-msix');
      case 'mask-vector':
        return devices.get(operation.device).msixState?.maskVector(operation.vector, operation.masked);
      case 'resize-bar':
        return devices.get(operation.device).resizeBar(operation.bar, operation.size);
      case 'create-dma-window':
        return this.machine.createDmaWindow?.(operation.pageSize, operation.size);
      case 'set-power-state':
        return devices.get(operation.device).setPowerState(operation.state);
      case 'access-bar':
        return this.#access(operation);
      case 'hotplug':
        return devices.plug(
          this.scenario.devices.find(({ id }) => id === operation.device)!,
          true,
        );
      case 'unplug':
        return devices.unplugByGuest(devices.get(operation.device));
      case 'reset':
        return this.#reset();
      case 'add-region':
        return this.#overlays.add(operation);
      case 'show-registers':
      case 'show-contents':
        return this.#overlays.show(operation);
      case 'make-readonly':
      case 'make-writable':
        return this.#overlays.protect(operation);
      case 'shift-alias':
        return this.#overlays.shift(operation);
      case 'remove-region':
        return this.#overlays.remove(operation.name);
      case 'plug-blocks':
      case 'unplug-blocks':
        return this.#overlays.changeBlocks(operation);
      case 'start-dirty-log':
      case 'stop-dirty-log':
        return this.topology.dirtyLogging.set(operation.op === 'start-dirty-log');
      case 'begin':
        return this.topology.begin();
      case 'commit':
        return this.topology.commit();
    }
  }

  shutDown(): void {
    while (this.topology.inTransaction) this.topology.commit();
    for (const device of [...this.devices]) this.#devices.unplug(device);
  }

  mapAnew(name: string, iommu: IommuContainer): void {
    this.#containers.mapAnew(name, iommu);
  }

  makeIommu(): IommuContainer {
    return this.#containers.makeIommu();
  }

  iommuPageSize(): Size {
    return this.#containers.iommuPageSize();
  }

  readonly #emit: EventSink = (event) => {
    this.#events.push(event);
  };

  #access(operation: Extract<Operation, { op: 'access-bar' }>): void {
    const { view } = this.machine.memory;
    const environment: AccessEnvironment = {
      rules: this.revision.access,
      rangeAt: (address) => view.at(address),
      deviceOf: (id) => this.devices.find((device) => device.id === id),
    };
    accessBar(operation, this.#devices.get(operation.device).layers[operation.bar]!, {
      ranges: view.ranges,
      slots: this.kvm.slots(),
      exit: (access) => accessMemory(access, environment),
      emit: this.#emit,
    });
  }

  /** Whether a reset of this machine dies of a container that is not one of the kernel's. */
  get #resetKillsContainers(): boolean {
    const { revision, scenario } = this;
    return (
      revision.machine.phbResetNeedsKernelContainer &&
      scenario.machine.type === 'pseries' &&
      isVfioUser(scenario)
    );
  }

  /** @throws VmmAbort where the reset of pseries takes a vfio-user container for one of the kernel's. */
  #reset(): void {
    // With several containers QEMU does not know which to ask, and asks none (vfio_eeh_as_container).
    if (this.#resetKillsContainers && this.containers.length === 1) {
      throw new VmmAbort(
        'eeh-container-cast',
        'VFIO_IOMMU_LEGACY: Object is not an instance of type vfio-iommu-legacy',
      );
    }
    this.machine.reset();
    this.#overlays.reset();
    this.#devices.reset();
  }
}
