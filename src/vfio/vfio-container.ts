import type { Size } from '../address/index.ts';
import type { HostFaults, IommuContainer, SpaprTceContainer } from '../host/index.ts';
import { replayView, type AddressSpace, type MemoryListener, type MemoryTopology } from '../memory/index.ts';
import { DmaListener } from './dma-listener.ts';
import type { EventSink } from './event.ts';
import type { ContainerRules } from './container-rules.ts';
import { DeviceRefused, VmmAbort } from './failure.ts';
import type { IommuType } from './iommu-type.ts';
import type { ListenerRules } from './listener-rules.ts';
import type { Revision } from './revision.ts';
import { SpaprMemoryListener } from './spapr-memory-listener.ts';

/** What a VFIO container is made of. */
export interface ContainerOptions {
  /** The container's name in events and in the trace. */
  readonly name: string;
  readonly revision: Revision;
  readonly iommuType: IommuType;
  readonly iommu: IommuContainer;
  readonly topology: MemoryTopology;
  /** The address space in which the container's devices issue DMA (vfio fact 6.11). */
  readonly dmaSpace: AddressSpace;
  /** The address space with the guest's RAM; a sPAPR container registers this RAM first (vfio fact 7.1). */
  readonly memory: AddressSpace;
  readonly hostPageSize: Size;
  readonly targetPageSize: Size;
  readonly emit: EventSink;
  /** Requests that the host does not carry out; none when left out. */
  readonly faults?: HostFaults | undefined;
  /** How many memslots KVM has; left out where that is not known. */
  readonly memslotLimit?: number | undefined;
  /**
   * Whether the container maps the current flat views once and does not follow later changes: the mappings
   * that a container opened now would have. False by default.
   */
  readonly detached?: boolean;
}

/** A VFIO container: devices that share one set of DMA mappings (vfio_connect_container). */
export class VfioContainer {
  readonly name: string;
  readonly iommuType: IommuType;
  readonly iommu: IommuContainer;
  readonly dmaSpace: AddressSpace;
  readonly #topology: MemoryTopology;
  readonly #detached: boolean;
  readonly #rules: ListenerRules;
  readonly #containerRules: ContainerRules;
  #dmaListener: DmaListener | undefined;
  readonly #registered: { listener: MemoryListener; space: AddressSpace }[] = [];

  /**
   * Connects the container and maps the current flat view of its address space.
   *
   * @throws DeviceRefused when the host refuses to register or map RAM (vfio facts 6.8 and 7.1).
   */
  constructor(options: ContainerOptions) {
    const { name, iommuType, iommu, topology, dmaSpace, memory, emit } = options;
    this.name = name;
    this.iommuType = iommuType;
    this.iommu = iommu;
    this.dmaSpace = dmaSpace;
    this.#topology = topology;
    this.#detached = options.detached ?? false;
    this.#rules = options.revision.listener;
    this.#containerRules = options.revision.container;
    if (iommuType === 'spapr-tce-v2') {
      const preregistration = new SpaprMemoryListener({
        container: name,
        iommu: iommu as SpaprTceContainer,
        hostPageSize: options.hostPageSize,
        emit,
        rules: this.#containerRules,
      });
      this.#register(preregistration, memory);
      this.#failOn(preregistration.initialError);
      preregistration.initialized = true;
    }
    const listener = new DmaListener(options);
    this.#dmaListener = listener;
    this.#register(listener, this.#containerRules.space === 'of-devices' ? dmaSpace : memory);
    this.#failOn(listener.initialError);
    listener.initialized = true;
  }

  /**
   * Unregisters the listeners, that of DMA first (vfio_listener_release and vfio_container_disconnect). The caller
   * closes the container, and the host frees what is still mapped.
   */
  disconnect(): void {
    if (this.#dmaListener !== undefined) this.#dmaListener.isLeaving = true;
    const removesSections = this.#rules.whenUnregistered !== 'nothing';
    for (const { listener, space } of this.#registered.splice(0).toReversed()) {
      this.#topology.unregisterListener(listener, space, removesSections);
    }
  }

  #register(listener: MemoryListener, space: AddressSpace): void {
    if (this.#detached) {
      replayView(listener, space);
      return;
    }
    this.#registered.push({ listener, space });
    this.#topology.registerListener(listener, space);
  }

  /** @throws DeviceRefused, VmmAbort as `registrationFailure` says. */
  #failOn(error: string | undefined): void {
    const { registrationFailure } = this.#containerRules;
    if (error === undefined || registrationFailure === 'ignored') return;
    if (registrationFailure === 'fatal') throw new VmmAbort('registration', error);
    this.disconnect();
    throw new DeviceRefused(`memory listener initialization failed for container: ${error}`);
  }
}
