import { smallestPage, type Size } from '../address/index.ts';
import {
  CloudHypervisor,
  DeviceManagerError,
  VfioOps,
  type CloudHypervisorRevision,
  type DeviceConfig,
  type VfioPciDevice,
} from '../cloud-hypervisor/index.ts';
import { kernelRules, type IommuContainer, type KvmMemslots, type Type1Container } from '../host/index.ts';
import type { MemoryTopology } from '../memory/index.ts';
import { coldPlugged, lastGuestAddress, type Operation, type Scenario } from '../scenario/index.ts';
import { DeviceRefused, type VmmEvent } from '../vfio/index.ts';
import { accessBar } from './guest-accesses.ts';
import { makeHostDevice } from './host-devices.ts';
import { makeHostIommu } from './host-iommu.ts';
import type { ModelledBar, ModelledContainer, ModelledDevice, ModelledVmm } from './modelled-vmm.ts';

/** A host without rules of a revision: `HostRules` belong to revisions of QEMU. */
const PLAIN_HOST: Parameters<typeof makeHostDevice>[3] & Parameters<typeof makeHostIommu>[1] = {
  regionInfo: (info) => info,
  rom: (rom) => rom,
  mmap: (errno) => errno,
  pageSizes: (hardware) => hardware,
  checksApertures: true,
};

/**
 * Runs `act`; a device that cloud-hypervisor could not add counts as refused, as QEMU's refusals do.
 *
 * @throws DeviceRefused with cloud-hypervisor's message.
 */
function refusing(act: () => void): void {
  try {
    act();
  } catch (error) {
    throw error instanceof DeviceManagerError ? new DeviceRefused(error.message) : error;
  }
}

/**
 * The registers of the memory BARs that the guest has enabled. cloud-hypervisor answers at the addresses of a BAR also
 * while the guest has memory disabled, so those BARs are not compared.
 */
const registersOfMemoryBars = ({
  mmioRegions,
  registers,
  memoryEnabled,
}: VfioPciDevice): NonNullable<ModelledDevice['barRegisters']> =>
  mmioRegions
    .filter(({ attributes }) => memoryEnabled && attributes.type !== 'io')
    .map(({ index, size }) => ({
      bar: index,
      address: (registers.addressOf(index) ?? 0n) & -size,
      decoding: true,
    }));

/** A modelled cloud-hypervisor of one revision with its host and KVM, driven by the operations of a scenario. */
export class CloudHypervisorVmm implements ModelledVmm {
  readonly scenario: Scenario;
  readonly machine: ModelledVmm['machine'];
  readonly optsOutOfMsixEmulation = false;
  readonly #vmm: CloudHypervisor;
  readonly #shown = new Map<VfioPciDevice, ModelledDevice>();
  #events: VmmEvent[] = [];

  constructor(scenario: Scenario, { rules }: CloudHypervisorRevision) {
    this.scenario = scenario;
    const { ram, hostPageSize } = scenario.machine;
    this.#vmm = new CloudHypervisor({
      rules,
      ram,
      hostPageSize,
      lastGpa: lastGuestAddress(scenario),
      kernel: kernelRules(scenario.host.kernel),
      makeIommu: () => this.makeIommu(),
      emit: (event) => this.#events.push(event),
    });
    const { system, memory } = this.#vmm;
    this.machine = { system, memory, bus: { dmaSpace: memory } };
  }

  get topology(): MemoryTopology {
    return this.#vmm.topology;
  }

  get kvm(): KvmMemslots {
    return this.#vmm.kvm;
  }

  get containers(): readonly ModelledContainer[] {
    const { vfioOps } = this.#vmm;
    return vfioOps === undefined ? [] : [vfioOps];
  }

  get closed(): readonly ModelledContainer[] {
    return this.#vmm.closed;
  }

  get devices(): readonly ModelledDevice[] {
    return this.#vmm.devices.map((device) => this.#show(device));
  }

  takeEvents(): readonly VmmEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  start(): void {
    refusing(() => this.#vmm.boot(coldPlugged(this.scenario).map(({ id }) => this.#config(id))));
  }

  perform(operation: Operation): void {
    const vmm = this.#vmm;
    switch (operation.op) {
      case 'set-bar':
        return vmm.programBar(this.#device(operation.device), operation.bar, operation.address);
      case 'enable-memory':
      case 'disable-memory':
        return vmm.setMemoryEnabled(this.#device(operation.device), operation.op === 'enable-memory');
      case 'enable-msix':
      case 'disable-msix':
        return vmm.setMsixEnabled(this.#device(operation.device), operation.op === 'enable-msix');
      case 'mask-vector':
        return this.#device(operation.device).msixState?.maskVector(operation.vector, operation.masked);
      case 'access-bar':
        return accessBar(operation, this.#device(operation.device).layers[operation.bar]!, {
          ranges: vmm.memory.view.ranges,
          slots: vmm.kvm.slots(),
          exit: (access) => vmm.accessTrapped(access),
          emit: (event) => this.#events.push(event),
        });
      case 'hotplug':
        return refusing(() => vmm.hotplug(this.#config(operation.device)));
      case 'unplug':
        return vmm.eject(this.#device(operation.device));
      case 'reset':
        return refusing(() => vmm.reboot());
      case 'size-bar':
        return vmm.sizeBar(this.#device(operation.device), operation.bar, operation.probe);
      // cloud-hypervisor shows no extended capabilities of the device.
      case 'resize-bar':
        return;
      // BARs of ports are in no memory map, and cloud-hypervisor leaves them where it has put them.
      case 'enable-io':
      case 'disable-io':
        return;
      // cloud-hypervisor hands the write to the device. That its BARs stay mapped is not judged.
      case 'set-power-state':
        return;
      // `requireSuitable` has refused scenarios with these operations; DMA windows are of pseries alone.
      case 'create-dma-window':
      case 'add-region':
      case 'remove-region':
      case 'show-registers':
      case 'show-contents':
      case 'make-readonly':
      case 'make-writable':
      case 'shift-alias':
      case 'plug-blocks':
      case 'unplug-blocks':
      case 'start-dirty-log':
      case 'stop-dirty-log':
      case 'begin':
      case 'commit':
        return;
    }
  }

  shutDown(): void {
    this.#vmm.shutDown();
  }

  mapAnew(name: string, iommu: IommuContainer): void {
    this.#vmm.mapAnew(new VfioOps(name, iommu as Type1Container, () => undefined));
  }

  makeIommu(): Type1Container {
    // Revisions of cloud-hypervisor have no other kind.
    return makeHostIommu(this.scenario, PLAIN_HOST) as Type1Container;
  }

  iommuPageSize(): Size {
    return smallestPage(this.makeIommu().pageSizes);
  }

  #config(id: string): DeviceConfig {
    const { machine, host, devices } = this.scenario;
    const spec = devices.find((device) => device.id === id)!;
    return {
      id,
      host: makeHostDevice(spec, host, machine.hostPageSize, PLAIN_HOST),
      noMmap: spec.options['x-no-mmap'] ?? false,
    };
  }

  #device(id: string): VfioPciDevice {
    return this.#vmm.devices.find((device) => device.id === id)!;
  }

  /** The device for the trace; its BARs read their present address each time. */
  #show(device: VfioPciDevice): ModelledDevice {
    const known = this.#shown.get(device);
    if (known !== undefined) return known;
    const vmm = this.#vmm;
    const bars = device.mmioRegions.map((region): ModelledBar => ({
      index: region.index,
      attributes: region.attributes,
      size: region.size,
      get address() {
        return vmm.placeOf(device, region);
      },
    }));
    const { id, msixLayout, msixState, emulatedTable, layers } = device;
    const pci = { bars, bar: (index: number) => bars.find((bar) => bar.index === index) };
    const shown: ModelledDevice = {
      id,
      pci,
      msixLayout,
      msixState,
      emulatedTable,
      layers,
      get barRegisters() {
        return registersOfMemoryBars(device);
      },
    };
    this.#shown.set(device, shown);
    return shown;
  }
}
