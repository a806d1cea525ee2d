import type { Size } from '../address/index.ts';
import type { IommuContainer, SpaprTceContainer } from '../host/index.ts';
import { replay, type AddressSpace, type MemoryListener, type MemoryTopology } from '../memory/index.ts';
import { DmaListener } from './dma-listener.ts';
import type { EventSink } from './event.ts';
import { DeviceRefused } from './failure.ts';
import type { IommuType } from './iommu-type.ts';
import type { ListenerRules } from './listener-rules.ts';
import type { Revision } from './revision.ts';
import { SpaprMemoryListener } from './spapr-memory-listener.ts';

/** What a container is made of. */
export interface ContainerOptions {
  /** Name in the trace. */
  readonly name: string;
  readonly revision: Revision;
  readonly iommuType: IommuType;
  readonly iommu: IommuContainer;
  readonly topology: MemoryTopology;
  /** The space that its devices' requests go to. */
  readonly dmaSpace: AddressSpace;
  /** The space with the guest's RAM; sPAPR registers it beforehand. */
  readonly memory: AddressSpace;
  readonly hostPageSize: Size;
  readonly targetPageSize: Size;
  readonly emit: EventSink;
  /** Only map what the spaces show now, and do not follow them: what a new container would come to. */
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
  #dmaListener: DmaListener | undefined;
  readonly #registered: { listener: MemoryListener; space: AddressSpace }[] = [];

  /**
   * Connects the container and maps what its address space shows already.
   *
   * @throws DeviceRefused when the host refuses to map RAM (vfio fact 6.8).
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
    if (iommuType === 'spapr-tce-v2') {
      const preregistration = new SpaprMemoryListener(
        name,
        iommu as SpaprTceContainer,
        options.hostPageSize,
        emit,
      );
      this.#register(preregistration, memory);
      this.#refuseOn(preregistration.initialError);
      preregistration.initialized = true;
    }
    const listener = new DmaListener(options);
    this.#dmaListener = listener;
    this.#register(listener, dmaSpace);
    this.#refuseOn(listener.initialError);
    listener.initialized = true;
  }

  /** Lets go of the address space; the host frees what is still mapped when the container is closed. */
  disconnect(): void {
    if (this.#dmaListener !== undefined) this.#dmaListener.leaving = true;
    const removesSections = this.#rules.whenUnregistered !== 'nothing';
    for (const { listener, space } of this.#registered.splice(0)) {
      this.#topology.unregisterListener(listener, space, removesSections);
    }
  }

  #register(listener: MemoryListener, space: AddressSpace): void {
    if (this.#detached) {
      replay(listener, space);
      return;
    }
    this.#registered.push({ listener, space });
    this.#topology.registerListener(listener, space);
  }

  #refuseOn(error: string | undefined): void {
    if (error === undefined) return;
    this.disconnect();
    throw new DeviceRefused(`memory listener initialization failed for container: ${error}`);
  }
}
