import { smallestPage, type Size } from '../address/index.ts';
import { kernelRules, type IommuContainer } from '../host/index.ts';
import { TARGET_PAGE_SIZE } from '../machine/index.ts';
import { VfioContainer, type EventSink } from '../vfio/index.ts';
import type { Scenario } from '../scenario/index.ts';
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
   * @param device id of the device.
   * @throws DeviceRefused, VmmAbort as `VfioContainer` does.
   */
  connect(device: string): VfioContainer {
    const { scenario, revision } = this.#environment;
    const isSeparate = isVfioUser(scenario) || revision.container.shared === 'one-each';
    const existing = isSeparate ? undefined : this.open[0];
    if (existing !== undefined) return existing;
    const name = this.#nameFor(isSeparate ? device : 'container');
    const container = this.#make(name, this.makeIommu(), this.#environment.emit, false);
    this.open.push(container);
    return container;
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
    const { scenario, revision, topology, machine } = this.#environment;
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
    });
  }

  /** A container opened after another of its name was closed is a new one: `container`, then `container#2`. */
  #nameFor(name: string): string {
    const before = this.#namesTaken.get(name) ?? 0;
    this.#namesTaken.set(name, before + 1);
    return before === 0 ? name : `${name}#${before + 1}`;
  }
}
