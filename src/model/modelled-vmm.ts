import type { Offset, Size } from '../address/index.ts';
import type { IommuContainer, KvmMemslots } from '../host/index.ts';
import type { AddressSpace, MemoryRegion, MemoryTopology } from '../memory/index.ts';
import type { MsixState } from '../pci/index.ts';
import type { BarAttributes, MsixLayout } from '../pci-layout/index.ts';
import type { Operation, Scenario } from '../scenario/index.ts';
import type { BarLayer, VmmEvent } from '../vfio/index.ts';
import type { BarRegister, PluggedMemory } from '../trace/index.ts';

/** What a trace records of a container. */
export interface ModelledContainer {
  readonly name: string;
  readonly iommu: IommuContainer;
}

/** What a trace records of a BAR. */
export interface ModelledBar {
  readonly index: number;
  readonly attributes: BarAttributes;
  readonly size: Size;
  readonly address: bigint | undefined;
}

/** What a trace records of a device. */
export interface ModelledDevice {
  readonly id: string;
  readonly pci: { readonly bars: readonly ModelledBar[]; bar(index: number): ModelledBar | undefined };
  readonly msixLayout: MsixLayout | undefined;
  readonly msixState: Pick<MsixState, 'enabled' | 'functionMasked'> | undefined;
  readonly emulatedTable: { readonly bar: number; readonly offset: Offset } | undefined;
  /** The place of the emulated PBA; left out where the model has none of its own. */
  readonly emulatedPba?: { readonly bar: number; readonly offset: Offset } | undefined;
  readonly layers: readonly (readonly BarLayer[])[];
  /** The sizes that the guest has given to BARs, by index. */
  readonly resized?: ReadonlyMap<number, Size>;
  /** The BAR registers as the guest reads them; left out where the model has no registers of its own. */
  readonly barRegisters?: readonly Omit<BarRegister, 'device'>[];
}

/** A modelled VMM with its host: what `ModelTarget` drives, and what it records. */
export interface ModelledVmm {
  readonly scenario: Scenario;
  readonly topology: MemoryTopology;
  readonly machine: {
    readonly system: MemoryRegion;
    readonly memory: AddressSpace;
    readonly bus: { readonly dmaSpace: AddressSpace };
  };
  readonly optsOutOfMsixEmulation: boolean;
  readonly kvm: KvmMemslots;
  readonly containers: readonly ModelledContainer[];
  /** The containers that were closed with mappings in them, which the host then removed. */
  readonly closed?: readonly ModelledContainer[];
  readonly devices: readonly ModelledDevice[];
  /** What is plugged of each virtio-mem: the same map until that changes; left out without a virtio-mem. */
  readonly plugged?: PluggedMemory | undefined;
  /** The events since the last call of this method. */
  takeEvents(): readonly VmmEvent[];
  /**
   * Starts the machine with its cold-plugged devices.
   *
   * @throws DeviceRefused, VmmAbort
   */
  start(): void;
  /**
   * Carries out one operation of the scenario.
   *
   * @throws DeviceRefused, VmmAbort
   */
  perform(operation: Operation): void;
  /**
   * Unplugs all devices.
   *
   * @throws VmmAbort
   */
  shutDown(): void;
  /** Maps into `iommu` what container `name` would hold if the VMM opened it now. */
  mapAnew(name: string, iommu: IommuContainer): void;
  /** The host's side of a new container, without a mapping. */
  makeIommu(): IommuContainer;
  /** The smallest page that the host's IOMMU container offers, in bytes. */
  iommuPageSize(): Size;
}
