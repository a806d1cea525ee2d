import type { HostAddress, Iova, Offset, Range, Size } from '../address/index.ts';
import type { DmaMapping, Memslot } from '../host/index.ts';
import type { RangeAttributes, RegionKind } from '../memory/index.ts';
import type { BarType, MsixLayout } from '../pci-layout/index.ts';
import type { BarLayer } from '../vfio/index.ts';

export type { RangeAttributes };

/** What a trace records of a MemoryRegion. Two ranges show the same region if they hold the same object. */
export interface TraceRegion {
  readonly name: string;
  /** The id of the device that owns the region. */
  readonly owner: string | undefined;
  readonly kind: RegionKind;
  /** Set for RAM that no device may reach; left out where the target cannot observe that. */
  readonly isProtected?: boolean;
  /** Set for RAM of virtio-mem: of such a region `State.plugged` says what the guest has. */
  readonly discards?: object | undefined;
  /** Whether the region itself is read-only, however aliases show it; left out where the target cannot observe that. */
  readonly readonly?: boolean;
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

/** Whether a range is memory that can be mapped: RAM, or mmapped memory of a device. */
export const isMemory = ({ region }: TraceRange): boolean =>
  region.kind === 'ram' || region.kind === 'ram-device';

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
  /** What the region adds to the attributes of ranges that it and the regions below it show; left out for nothing. */
  readonly attributes?: RangeAttributes;
  /** Set where a ROM device shows its registers; left out for every other region. */
  readonly romdMode?: false;
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
  /** Left out where the target cannot observe it. */
  readonly prefetchable?: boolean;
  /** The size registered with the PCI core, in bytes. */
  readonly size: Size;
  /** The size that the guest has given to the BAR by the resizable BAR capability; left out without one. */
  readonly resizedTo?: Size;
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

/** The plugged parts of each virtio-mem, as offsets, by the name of its region: sorted, with a gap between any two. */
export type PluggedMemory = ReadonlyMap<string, readonly Range[]>;

/** What can be observed between two operations. Parts that did not change are the same objects in both states. */
export interface State {
  /** The flat view of system memory, which CPUs see. */
  readonly flatView: readonly TraceRange[];
  /** The flat view of the address space for DMA; the same object as `flatView` without an emulated IOMMU. */
  readonly dmaView: readonly TraceRange[];
  readonly containers: readonly ContainerState[];
  readonly memslots: readonly Memslot[];
  readonly devices: readonly DeviceState[];
  /** What is plugged of each virtio-mem: the same map until that changes; left out without a virtio-mem. */
  readonly plugged?: PluggedMemory | undefined;
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
  // The search compares beginnings, which needs no addition: only the mapping below can reach above the address.
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (mappings[middle]!.iova > address) high = middle;
    else low = middle + 1;
  }
  const below = mappings[low - 1];
  return below !== undefined && endOfMapping(below) > address ? low - 1 : low;
}
