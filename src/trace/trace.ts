import type { HostAddress, Iova, Offset, Range, Size } from '../address/index.ts';
import type { DmaMapping, Memslot } from '../host/index.ts';
import type { RegionKind } from '../memory/index.ts';
import type { BarType, MsixLayout } from '../pci-layout/index.ts';
import type { Operation, Scenario } from '../scenario/index.ts';
import type { AbortSite, BarLayer, VmmEvent } from '../vfio/index.ts';

/** How a run ended. */
export type Outcome =
  /** The VMM completed every operation. */
  | 'ok'
  /** The VMM refused a device. */
  | 'rejected'
  /** The VMM died. */
  | 'aborted';

/** What a trace records of a MemoryRegion. Two ranges show the same region if they hold the same object. */
export interface TraceRegion {
  readonly name: string;
  /** The id of the device that owns the region. */
  readonly owner: string | undefined;
  readonly kind: RegionKind;
}

/** A FlatRange of a FlatView. */
export interface TraceRange extends Range {
  readonly region: TraceRegion;
  readonly offset: Offset;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  readonly romdMode: boolean;
  readonly priority: number;
  readonly contained: boolean;
}

/** A MemoryRegion in the region tree, after the last operation. */
export interface TraceNode {
  readonly region: TraceRegion;
  /** The offset in the container at which the region begins. */
  readonly address: Offset;
  /** One past the last offset in the container. */
  readonly end: bigint;
  readonly size: Size;
  readonly priority: number;
  readonly enabled: boolean;
  readonly terminates: boolean;
  /** The subregions in the order of rendering: by falling priority, among equals the latest added first. */
  readonly children: readonly TraceNode[];
  readonly alias: { readonly node: TraceNode; readonly offset: Offset } | undefined;
}

/** A live DMA mapping. The trace of a real VMM has no host addresses. */
export interface TraceMapping extends Omit<DmaMapping, 'hostAddress'> {
  readonly hostAddress: HostAddress | undefined;
}

/** The live DMA mappings of a container, by rising IOVA. */
export interface ContainerState {
  readonly name: string;
  readonly mappings: readonly TraceMapping[];
}

/** A BAR of a device, as the VMM has registered and mapped it. */
export interface BarState {
  readonly index: number;
  readonly type: BarType;
  /** The size registered with the PCI core, in bytes. */
  readonly size: Size;
  /** The bus address; `undefined` while the BAR is not mapped. */
  readonly address: bigint | undefined;
  /** The regions with the BAR's own bytes: the BAR, its wrapper and its mmaps. */
  readonly layers: readonly BarLayer[];
}

/** The guest's MSI-X capability, and the emulation behind it. */
export interface MsixView {
  /** The layout in the guest's capability. */
  readonly layout: MsixLayout;
  readonly enabled: boolean;
  readonly functionMasked: boolean;
  /** The place of the emulated table; `undefined` where the VMM emulates none. */
  readonly emulatedAt: { readonly bar: number; readonly offset: Offset } | undefined;
  /** The place of the emulated PBA; left out where the target cannot observe the place. */
  readonly pbaAt?: { readonly bar: number; readonly offset: Offset };
}

/** A plugged-in device. */
export interface DeviceState {
  readonly id: string;
  readonly bars: readonly BarState[];
  readonly msix: MsixView | undefined;
}

/** What can be observed between two operations. Parts that did not change are the same objects in both states. */
export interface State {
  /** The flat view of system memory, which CPUs see. */
  readonly flatView: readonly TraceRange[];
  /** The flat view of the address space for DMA; the same object as `flatView` without an emulated IOMMU. */
  readonly dmaView: readonly TraceRange[];
  readonly containers: readonly ContainerState[];
  readonly memslots: readonly Memslot[];
  readonly devices: readonly DeviceState[];
}

/**
 * One operation, the events in it, and the state after it. The first step is the start of the machine. The
 * shutdown is a step (`stop`) only where the VMM dies in it.
 */
export interface Step {
  readonly operation: Operation | { readonly op: 'start' | 'stop' };
  readonly events: readonly VmmEvent[];
  readonly state: State;
}

/** The registers of a BAR, as the guest reads them. */
export interface BarRegister {
  readonly device: string;
  readonly bar: number;
  /** The address, without type bits and without the bits below the BAR's size. */
  readonly address: bigint;
  /** Whether COMMAND enables the BAR's address space. */
  readonly decoding: boolean;
}

/** The events of unplugging every device, and the mappings that are left in the containers afterwards. */
export interface Teardown {
  readonly events: readonly VmmEvent[];
  readonly containers: readonly ContainerState[];
}

/** Page sizes of a run, in bytes. */
export interface TracePages {
  readonly host: Size;
  readonly guest: Size;
  /** The smallest page of the container's IOMMU. */
  readonly iommu: Size;
}

/** Everything that a run of a scenario shows from outside, on the model or on a real VMM. */
export interface Trace {
  readonly scenario: Scenario;
  /** The revision that ran: its id, or the version of the real VMM. */
  readonly revision: string;
  readonly outcome: Outcome;
  /** The message with which the VMM refused a device or died. */
  readonly error: string | undefined;
  /** The check in which the VMM died: an `AbortSite` of the model, or the function that a real VMM names. */
  readonly abortSite: AbortSite | (string & {}) | undefined;
  readonly pages: TracePages;
  /** Whether the machine opts out of MSI-X emulation. */
  readonly optsOutOfMsixEmulation: boolean;
  readonly steps: readonly Step[];
  /**
   * The region tree of system memory after the last step; `undefined` with an open transaction, or from a target that
   * cannot read the tree.
   */
  readonly tree: TraceNode | undefined;
  /** The registers of all BARs after the last step; only after `ok`, and only from a target that reads them. */
  readonly barRegisters?: readonly BarRegister[];
  /** For each container the mappings of a listener that was registered after the last step; only after `ok`. */
  readonly scratch: readonly ContainerState[] | undefined;
  /** Only after `ok` and `rejected`. */
  readonly teardown: Teardown | undefined;
  /** The trace of the model for the same scenario, beside that of a real VMM to compare with. */
  readonly model?: Trace;
  /** Why a real VMM's trace has no `model`, where the user asked for the comparison. */
  readonly notCompared?: string;
}

/** Whether two mappings have the same range, permission and backing; host addresses may differ. */
export const sameMapping = (a: TraceMapping, b: TraceMapping): boolean =>
  a.iova === b.iova &&
  a.size === b.size &&
  a.readonly === b.readonly &&
  a.backing.offset === b.backing.offset &&
  a.backing.region === b.backing.region &&
  a.backing.owner === b.backing.owner;

/** One past the last I/O virtual address of a mapping. */
export const endOfMapping = (mapping: { readonly iova: Iova; readonly size: Size }): bigint =>
  mapping.iova + mapping.size;

/**
 * The index of the first mapping that ends above `address`.
 *
 * @param mappings sorted and disjoint.
 */
export function firstMappingAbove(mappings: readonly TraceMapping[], address: bigint): number {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (endOfMapping(mappings[middle]!) > address) high = middle;
    else low = middle + 1;
  }
  return low;
}
