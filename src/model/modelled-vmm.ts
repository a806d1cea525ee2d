import type { Offset, Size } from '../address/index.ts';
import type { IommuContainer, KvmMemslots } from '../host/index.ts';
import type { AddressSpace, MemoryRegion, MemoryTopology } from '../memory/index.ts';
import type { MsixState } from '../pci/index.ts';
import type { BarType, MsixLayout } from '../pci-layout/index.ts';
import type { Operation, Scenario } from '../scenario/index.ts';
import type { BarLayer, VmmEvent } from '../vfio/index.ts';
import type { BarRegister } from '../trace/index.ts';

/** A container as it can be seen. */
export interface ModelledContainer {
  readonly name: string;
  readonly iommu: IommuContainer;
}

/** A BAR as it can be seen. */
export interface ModelledBar {
  readonly index: number;
  readonly attributes: { readonly type: BarType };
  readonly size: Size;
  readonly address: bigint | undefined;
}

/** A device as it can be seen. */
export interface ModelledDevice {
  readonly id: string;
  readonly pci: { readonly bars: readonly ModelledBar[]; bar(index: number): ModelledBar | undefined };
  readonly msixLayout: MsixLayout | undefined;
  readonly msixState: Pick<MsixState, 'enabled' | 'functionMasked'> | undefined;
  readonly emulatedTable: { readonly bar: number; readonly offset: Offset } | undefined;
  /** Where the pending bits are answered for, unless that goes with the table. */
  readonly emulatedPba?: { readonly bar: number; readonly offset: Offset } | undefined;
  readonly layers: readonly (readonly BarLayer[])[];
  /** What the registers of the BARs say, by themselves; left out where the model has none of its own. */
  readonly barRegisters?: readonly Omit<BarRegister, 'device'>[];
}

/** A modelled VMM with its host, as the target drives and watches it, whatever it is a model of. */
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
  /** Containers that were closed with mappings in them, which the host then took away. */
  readonly closed?: readonly ModelledContainer[];
  readonly devices: readonly ModelledDevice[];
  /** The events since the last call. */
  takeEvents(): readonly VmmEvent[];
  /** @throws DeviceRefused, VmmAbort */
  start(): void;
  /** @throws DeviceRefused, VmmAbort */
  perform(operation: Operation): void;
  /** Takes all devices away. */
  shutDown(): void;
  /** Maps into `iommu` what container `name` would hold if it were made only now. */
  mapAnew(name: string, iommu: IommuContainer): void;
  /** The host's side of a container that nobody has used yet. */
  makeIommu(): IommuContainer;
  /** The smallest page that the host's IOMMU container offers. */
  iommuPageSize(): Size;
}
