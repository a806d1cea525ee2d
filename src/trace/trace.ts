import type { HostAddress, Iova, Offset, Range, Size } from '../address/index.ts';
import type { DmaMapping, Memslot } from '../host/index.ts';
import type { RegionKind } from '../memory/index.ts';
import type { BarType, MsixLayout } from '../pci-layout/index.ts';
import type { Operation, Scenario } from '../scenario/index.ts';
import type { AbortSite, BarLayer, VmmEvent } from '../vfio/index.ts';

/** How a run ended. */
export type Outcome =
  /** Every operation was carried out. */
  | 'ok'
  /** A device was refused. */
  | 'rejected'
  /** The VMM died. */
  | 'aborted';

/** A region as far as a trace knows it. Two ranges show the same region when they hold the same object. */
export interface TraceRegion {
  readonly name: string;
  /** Id of the device that owns it. */
  readonly owner: string | undefined;
  readonly kind: RegionKind;
}

/** A flat range of a view. */
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

/** A node of the region tree, as it was after the last operation. */
export interface TraceNode {
  readonly region: TraceRegion;
  /** Where in its container it begins. */
  readonly address: Offset;
  /** Where in its container it ends. */
  readonly end: bigint;
  readonly size: Size;
  readonly priority: number;
  readonly enabled: boolean;
  readonly terminates: boolean;
  /** Children as they were rendered: by falling priority, latest added first. */
  readonly children: readonly TraceNode[];
  readonly alias: { readonly node: TraceNode; readonly offset: Offset } | undefined;
}

/** A live mapping. Where the VMM has what is mapped is known only of those that say so. */
export interface TraceMapping extends Omit<DmaMapping, 'hostAddress'> {
  readonly hostAddress: HostAddress | undefined;
}

/** The state of a container's mappings. */
export interface ContainerState {
  readonly name: string;
  readonly mappings: readonly TraceMapping[];
}

/** Where a BAR of a device is. */
export interface BarState {
  readonly index: number;
  readonly type: BarType;
  /** As registered with the PCI bus. */
  readonly size: Size;
  /** Bus address, or nothing while it is not mapped. */
  readonly address: bigint | undefined;
  /** The regions that show the BAR's own bytes: the BAR, its wrapper, its mmaps. */
  readonly layers: readonly BarLayer[];
}

/** The MSI-X capability as the guest sees it, and what is behind it. */
export interface MsixView {
  /** What the capability says. */
  readonly layout: MsixLayout;
  readonly enabled: boolean;
  readonly functionMasked: boolean;
  /** Where the VMM put the emulated table, or nothing when it emulates none. */
  readonly emulatedAt: { readonly bar: number; readonly offset: Offset } | undefined;
  /** Where it put the PBA that goes with it, where a target can tell. */
  readonly pbaAt?: { readonly bar: number; readonly offset: Offset };
}

/** A device that is plugged in. */
export interface DeviceState {
  readonly id: string;
  readonly bars: readonly BarState[];
  readonly msix: MsixView | undefined;
}

/** What can be observed between two operations. States share the parts in which they do not differ. */
export interface State {
  /** System memory as the CPU sees it. */
  readonly flatView: readonly TraceRange[];
  /** The space that devices' requests go to; system memory itself where there is no emulated IOMMU. */
  readonly dmaView: readonly TraceRange[];
  readonly containers: readonly ContainerState[];
  readonly memslots: readonly Memslot[];
  readonly devices: readonly DeviceState[];
}

/**
 * One operation, what it led to, and the state after it. The first step is the start of the machine;
 * its stop is one only when the VMM dies of it.
 */
export interface Step {
  readonly operation: Operation | { readonly op: 'start' | 'stop' };
  readonly events: readonly VmmEvent[];
  readonly state: State;
}

/** What the registers of a BAR say, as the guest reads them. */
export interface BarRegister {
  readonly device: string;
  readonly bar: number;
  /** The address, without flags and without the bits below the BAR's size. */
  readonly address: bigint;
  /** Whether COMMAND enables the BAR's address space. */
  readonly decoding: boolean;
}

/** What is left after every device has been taken away and every container closed. */
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

/** Everything that a run of a scenario shows from outside; the same for the model and for a real VMM. */
export interface Trace {
  readonly scenario: Scenario;
  /** The revision that was run, by its id or by the version of the real VMM. */
  readonly revision: string;
  readonly outcome: Outcome;
  /** Why a device was refused or the VMM died, in its own words. */
  readonly error: string | undefined;
  /** The check that the VMM died of: an `AbortSite` of the model, or the place that a real VMM names. */
  readonly abortSite: AbortSite | (string & {}) | undefined;
  readonly pages: TracePages;
  /** Whether the machine does without MSI-X emulation. */
  readonly optsOutOfMsixEmulation: boolean;
  readonly steps: readonly Step[];
  /** System memory's tree after the last step. */
  readonly tree: TraceNode | undefined;
  /** The registers of all BARs after the last step; only after `ok`, and where a target reads them. */
  readonly barRegisters?: readonly BarRegister[];
  /** The mappings of listeners that were registered after the last step, one a container; only after `ok`. */
  readonly scratch: readonly ContainerState[] | undefined;
  /** Only after `ok` and `rejected`. */
  readonly teardown: Teardown | undefined;
  /** What the model makes of the same scenario, where the trace is a real VMM's that is held to it. */
  readonly model?: Trace;
  /** Why there is no `model` beside a real VMM's trace, where somebody asked for one. */
  readonly notCompared?: string;
}

/** Whether two mappings say the same. */
export const sameMapping = (a: TraceMapping, b: TraceMapping): boolean =>
  a.iova === b.iova &&
  a.size === b.size &&
  a.readonly === b.readonly &&
  a.backing.offset === b.backing.offset &&
  a.backing.region === b.backing.region &&
  a.backing.owner === b.backing.owner;

/** The last I/O virtual address that a mapping translates, plus one. */
export const endOfMapping = (mapping: { readonly iova: Iova; readonly size: Size }): bigint =>
  mapping.iova + mapping.size;

/** Index of the first of `mappings` that ends above `address`; they are sorted and disjoint. */
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
