import { smallestPage, type Size } from '../address/index.ts';
import { kernelRules, strerror, type Errno, type IommuContainer } from '../host/index.ts';
import { TARGET_PAGE_SIZE } from '../machine/index.ts';
import { askHost, DeviceRefused, VfioContainer, type EventSink } from '../vfio/index.ts';
import type { DeviceSpec, Scenario } from '../scenario/index.ts';
import { KVM_ARCHITECTURE_OF } from './kvm-architecture-of.ts';
import { makeHostIommu } from './host-iommu.ts';
import { isVfioUser, type QemuEnvironment } from './qemu-environment.ts';

/** KVM_CAP_NR_MEMSLOTS of the scenario's host. */
const memslotLimitOf = ({ host, machine }: Scenario): number =>
  kernelRules(host.kernel).kvm.slotLimit(KVM_ARCHITECTURE_OF[machine.type]);

/** The VFIO containers of a QEMU: one for all devices, or with vfio-user one for each device. */
export class QemuContainers {
  /** The open containers, oldest first. */
  readonly open: VfioContainer[] = [];
  readonly #environment: QemuEnvironment;
  /** How many containers each name was given to. */
  readonly #namesTaken = new Map<string, number>();

  constructor(environment: QemuEnvironment) {
    this.#environment = environment;
  }

  /**
   * The container for a new device, opened where there is none for it.
   *
   * @throws DeviceRefused, VmmAbort as `VfioContainer` does, and where the host lets the device into no container.
   */
  connect({ id: device, name: deviceName }: Pick<DeviceSpec, 'id' | 'name'>): VfioContainer {
    const { scenario, revision } = this.#environment;
    const isSeparate = isVfioUser(scenario) || revision.container.shared === 'one-each';
    const existing = isSeparate ? undefined : this.open[0];
    // QEMU tries each container that is open, and then a new one (vfio fact 5.25).
    if (existing !== undefined && this.#attach(device) === 0) return existing;
    const refused = this.#createIoas() ?? this.#attachToNew(device);
    if (refused !== undefined) throw new DeviceRefused(`vfio ${deviceName}: ${refused}`);
    const name = this.#nameFor(isSeparate ? device : 'container');
    const container = this.#make(name, this.makeIommu(), this.#environment.emit, false);
    this.open.push(container);
    return container;
  }

  /** Asks that a device may join a container. */
  #attach(device: string): Errno {
    return askHost(this.#environment.faults, 'attach', { device });
  }

  /** @returns QEMU's words for a refusal. */
  #attachToNew(device: string): string | undefined {
    const errno = this.#attach(device);
    if (errno === 0) return undefined;
    const { type } = this.#environment.scenario.host.iommu;
    const call = type === 'iommufd' ? 'error attach' : 'Failed to set group container';
    return `${call}: ${strerror(errno)}`;
  }

  /** Asks for the I/O address space of a new container, where the host has iommufd. @returns QEMU's words for a refusal. */
  #createIoas(): string | undefined {
    const { faults, scenario } = this.#environment;
    if (scenario.host.iommu.type !== 'iommufd') return undefined;
    const errno = askHost(faults, 'create-ioas', {});
    return errno === 0 ? undefined : `Failed to allocate ioas: ${strerror(errno)}`;
  }

  /** Closes a container whose last device is gone. */
  close(container: VfioContainer): void {
    if (!this.open.includes(container)) return;
    container.disconnect();
    this.open.splice(this.open.indexOf(container), 1);
  }

  /** Maps into `iommu` what container `name` would hold if QEMU opened it now. */
  mapAnew(name: string, iommu: IommuContainer): void {
    this.#make(name, iommu, () => undefined, true);
  }

  /** The host's side of a new container, without a mapping. */
  makeIommu(): IommuContainer {
    const { scenario, revision } = this.#environment;
    return makeHostIommu(scenario, revision.host);
  }

  /** The smallest page that the host's IOMMU container offers, in bytes. */
  iommuPageSize(): Size {
    return smallestPage((this.open[0]?.iommu ?? this.makeIommu()).pageSizes);
  }

  /** @param detached maps the memory of this moment only, and follows no later change. */
  #make(name: string, iommu: IommuContainer, emit: EventSink, detached: boolean): VfioContainer {
    const { scenario, revision, topology, machine, faults } = this.#environment;
    return new VfioContainer({
      name,
      detached,
      revision,
      iommuType: scenario.host.iommu.type,
      iommu,
      topology,
      dmaSpace: machine.bus.dmaSpace,
      memory: machine.memory,
      hostPageSize: scenario.machine.hostPageSize,
      targetPageSize: TARGET_PAGE_SIZE,
      memslotLimit: memslotLimitOf(scenario),
      emit,
      // A container that follows no change is no real one, and its requests do not count.
      faults: detached ? undefined : faults,
    });
  }

  /** A container opened after another of its name was closed is a new one: `container`, then `container#2`. */
  #nameFor(name: string): string {
    const before = this.#namesTaken.get(name) ?? 0;
    this.#namesTaken.set(name, before + 1);
    return before === 0 ? name : `${name}#${before + 1}`;
  }
}
