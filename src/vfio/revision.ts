import type { Address, Offset, PageSizeBitmap, Size } from '../address/index.ts';
import type { DmaMapRequest, Errno, RegionInfo, SparseArea } from '../host/index.ts';
import type { MemoryRegionSection, MemoryRules, MtreeForm } from '../memory/index.ts';
import type { PciRules } from '../pci/index.ts';
import type { BarAttributes, MsixLayout } from '../pci-layout/index.ts';
import type { SkipReason } from './event.ts';
import type { Span } from './trim.ts';
import type { VfioRegion } from './vfio-region.ts';

/** The kinds of container that VFIO devices can be put into. */
export type IommuType = 'type1' | 'iommufd' | 'spapr-tce-v2' | 'vfio-user';

/** The page sizes between which every rule of the listener chooses. In bytes, powers of two. */
export interface PageSizes {
  /** The host kernel's page. */
  readonly host: Size;
  /** The page for which the VMM's emulated CPU is built (TARGET_PAGE_SIZE). */
  readonly target: Size;
  /** The smallest page of the container's IOMMU. */
  readonly iommu: Size;
}

/** What a rule of the listener may look at beside the section. */
export interface ListenerContext {
  readonly pages: PageSizes;
  readonly iommuType: IommuType;
  /** Whether the section appears in the memory map or disappears from it. */
  readonly change: 'add' | 'remove';
}

/** How the DMA listener treats a section (vfio facts 6.1 to 6.10). */
export interface ListenerRules {
  /** A reason to leave the section alone, when added and when removed (vfio_listener_skipped_section). */
  skip(section: MemoryRegionSection, context: ListenerContext): SkipReason | undefined;
  /** The unit to which the edges of a section are trimmed, and modulo which address and offset must agree. */
  alignment(pages: PageSizes): Size;
  /** What of a section is left to map, or why nothing is (vfio_get_section_iova_range); `unit` is the alignment. */
  trim(section: MemoryRegionSection, unit: Size, context: ListenerContext): Span | SkipReason;
  /** Whether a trimmed piece of device memory may be asked for (vfio fact 6.6); otherwise it is skipped. */
  mapsDeviceMemory(start: bigint, size: Size, pages: PageSizes): boolean;
  /** Where in the section's region the backing of a piece begins that begins at `start`. */
  backingOffset(section: MemoryRegionSection, start: bigint): Offset;
  /** Whether devices may only read a section. */
  mapsReadonly(section: MemoryRegionSection): boolean;
  /**
   * Whether a piece that disappears is unmapped, device memory only where `mapsDeviceMemory` agrees
   * (vfio_listener_region_del, vfio fact 6.10).
   *
   * @param mapped whether the listener has mapped a piece there, and the host has let it.
   */
  unmaps(section: MemoryRegionSection, piece: Span, mapped: boolean, context: ListenerContext): boolean;
  /** Whether a listener that is unregistered first unmaps what it has mapped (2.12 and later). */
  readonly unmapsWhenUnregistered: boolean;
  /** What happens when the host refuses to map device memory after the start (vfio fact 6.8). */
  readonly deviceMemoryFailure: 'fatal' | 'reported';
  /** The same for RAM; a refusal during the start keeps the device out in any case. */
  readonly ramFailure: 'fatal' | 'reported';
  /** What becomes of the VMM when a section goes away for which there is no sPAPR window (vfio fact 7.4). */
  readonly missingWindow: 'fatal' | 'ignored';
  /** What a listener that is unregistered asks of the host for each section, where it asks at all. */
  readonly whenUnregistered: 'unmap' | 'map';
}

/** What the guest can see of MSI-X, once the machine has had its say about emulation. */
export type MsixExposure =
  /** Table emulated on top of the BAR. */
  | { readonly kind: 'emulated' }
  /** Table and PBA regions exist, the table's is disabled: accesses reach what lies below. */
  | { readonly kind: 'table-disabled' }
  /** No regions are made; the capability still names where they would be. */
  | { readonly kind: 'not-added' }
  /** No regions are made, and the capability is rewritten. */
  | { readonly kind: 'capability-rewritten'; readonly layout: MsixLayout };

/** What the opt-out from MSI-X emulation is decided by. */
export interface OptOutContext {
  /** Whether the machine says that its guests do not use the table. */
  readonly machineOptsOut: boolean;
  /** The device's own property, when it is set. */
  readonly deviceOptsOut: boolean | undefined;
  readonly layout: MsixLayout;
}

/** Where the MSI-X regions are put; `undefined` is a region that does not exist, of size 0 to its checks. */
export type MsixParent = (region: VfioRegion) => VfioRegion['bar'] | undefined;

/** The BAR with the MSI-X table, before its pages are cut out of the mmap areas. */
export interface FixUpContext {
  /** Bytes of the device's BAR. */
  readonly regionSize: Size;
  readonly hostPageSize: Size;
  /** Whether the host says that the table's pages may be mmapped (VFIO_REGION_INFO_CAP_MSIX_MAPPABLE). */
  readonly msixMappable: boolean;
}

/** Where relocation puts table and PBA: offsets in a BAR that grows to `barSize` bytes, a power of two. */
export interface RelocatedMsix {
  readonly barSize: Size;
  readonly tableOffset: Offset;
  readonly pbaOffset: Offset;
}

/** How a device is set up (vfio facts 5.1 to 5.14). */
export interface DeviceRules {
  /** Type and width of a BAR as the VMM takes them from its register. */
  barAttributes(attributes: BarAttributes, bar: number): BarAttributes;
  /**
   * The mmap areas that a sparse capability leads to, in the order in which they are numbered; areas
   * of 0 bytes stand for "nothing". `undefined` is one area for the whole BAR (vfio fact 5.2).
   *
   * @throws DeviceRefused for areas that this version does not accept.
   */
  sparseAreas(areas: readonly SparseArea[], bar: number): readonly SparseArea[] | undefined;
  /** @throws DeviceRefused for table or PBA locations that early set-up does not accept. */
  checkLocation(layout: MsixLayout): void;
  /** Offsets that stand for ones which the device's own capability has wrong (vfio fact 5.7). */
  correctPbaOffset(vendor: number, device: number): Offset | undefined;
  /** Whether a PBA beyond its BAR is accepted when relocation is asked for. */
  readonly toleratesPbaBeyondBarWhenRelocated: boolean;
  /** Whether MSIX_MAPPABLE leaves the mmap of the table's BAR whole (vfio fact 5.8). */
  readonly honoursMsixMappable: boolean;
  /**
   * The mmap areas of the table's BAR without those that the table forbids (vfio_pci_fixup_msix_region,
   * vfio fact 5.8).
   */
  fixUpAreas(areas: readonly SparseArea[], layout: MsixLayout, context: FixUpContext): readonly SparseArea[];
  /** Whether the areas are fixed up for the table as it is in the device, or as relocation has moved it. */
  readonly fixUp: 'before-relocation' | 'after-relocation';
  /** Whether the BAR is registered through a wrapper region "base BAR n" (vfio fact 5.4). */
  readonly baseRegion: boolean;
  /**
   * The region that the mmapped areas are put over: the BAR's own, or the one that is registered
   * (vfio fact 5.3).
   */
  readonly mmapParent: (region: VfioRegion) => VfioRegion['bar'];
  /** Priority of the mmapped areas among what lies in the same region; 0 by default, as the table has. */
  readonly mmapPriority: number;
  readonly msixParent: MsixParent;
  readonly msixExposure: (context: OptOutContext) => MsixExposure;
  /** Whether `x-msix-relocation` exists (vfio fact 5.10). */
  readonly relocation: boolean;
  /**
   * Where `x-msix-relocation` puts table and PBA (vfio_pci_relocate_msix).
   *
   * @param barSize bytes of the BAR that takes them; 0 for one that the device does not have.
   */
  relocate(barSize: Size, vectors: number, hostPageSize: Size): RelocatedMsix;
  /** What becomes of the VMM when relocation is asked for and the device has no MSI-X capability. */
  readonly relocationWithoutMsix: 'ignored' | 'crash';
  /** Where the emulated table and PBA are put, beside what the capability says. */
  emulatedLayout(layout: MsixLayout): MsixLayout;
  /** Bytes that the emulated table answers (msix_init); its entries take `tableSize`. */
  emulatedTableSize(tableSize: Size, hostPageSize: Size): Size;
  /** What becomes of the VMM when it refuses a device that was hot-plugged (vfio fact 5.16). */
  readonly hotplugRefusal: 'reported' | 'crash';
  /** What becomes of the VMM when a vfio-user device with MSI-X is unplugged (vfio fact 10.11). */
  readonly msixUnplug: 'done' | 'crash';
  /** The alignment of the address at which an area of `size` bytes is mmapped, in bytes (vfio fact 5.3). */
  mmapAlignment(size: Size, hostPageSize: Size): Size;
  /**
   * How many bytes a BAR smaller than a page shows (vfio_sub_page_bar_update_mapping, vfio fact 5.9).
   *
   * @param barSize bytes of the device's BAR.
   * @param address where it is mapped, or `undefined` while it is not.
   */
  subPageSize(barSize: Size, address: Address | undefined, hostPageSize: Size): Size;
  /** Priority of a BAR that was stretched; others have 1. */
  readonly stretchedPriority: number;
  /** Whether the wrapper region of a stretched BAR shrinks again with it. */
  readonly wrapperShrinks: boolean;
}

/** What the memslot of a section spans. */
export interface MemslotSpan extends Span {
  /** Where in the section's region its backing begins; what lies at `start`, when left out. */
  readonly offset?: Offset;
}

/** How the KVM listener makes memslots (vfio facts 9.1 to 9.5). */
export interface MemslotRules {
  /** The part of a section that gets a slot (kvm_align_section), asked when it is added and when it is removed. */
  span(
    section: MemoryRegionSection,
    pages: Omit<PageSizes, 'iommu'>,
    change: 'add' | 'remove',
  ): MemslotSpan | undefined;
  /** The number of a new slot. `unused` was never used, or is free again. */
  slotNumber(section: MemoryRegionSection, unused: number): number;
  /** Whether the slot of a section that goes away is deleted. */
  readonly deletes: boolean;
  /** Whether slots change in each callback, or at commit with all deletions first (8.0 and later). */
  readonly update: 'immediately' | 'at-commit';
}

/** What a version or proposal changes in the machine itself. */
export interface MachineRules {
  /** sPAPR: show the MMIO windows in the PHB's DMA address space, for peer-to-peer (proposed in the seed thread). */
  readonly mmioInPhbDmaSpace: boolean;
  /**
   * pseries: a reset takes every container for one of the kernel's, and dies of any other
   * (machine fact 11.3).
   */
  readonly phbResetNeedsKernelContainer: boolean;
  /** pseries: the interrupt controller has registers in memory (XIVE, 3.1 and later; machine fact 11.5). */
  readonly xive: boolean;
  /** What the first CPU's address space is called (machine fact 11.5). */
  readonly cpuSpaceName: string;
}

/** What a scenario asks of a host, before the rules of the host itself. */
export interface HostContext {
  readonly hostPageSize: Size;
  readonly iommuType: IommuType;
}

/** What a version or proposal changes in the host kernel. */
export interface HostRules {
  /** The page sizes of the IOMMU domain, of those that the hardware has. Not empty. */
  pageSizes(hardware: PageSizeBitmap, context: HostContext): PageSizeBitmap;
  /** What VFIO_DEVICE_GET_REGION_INFO tells of a BAR. */
  regionInfo(info: RegionInfo, bar: number): RegionInfo;
  /** What mmap of a stretch of a BAR is answered, 0 for success. `errno` is what the kernel would say. */
  mmap(errno: Errno, bar: number, area: SparseArea): Errno;
  /**
   * Whether requests outside of what the IOMMU translates are refused (vfio_iommu_iova_dma_valid; type1
   * has looked at reserved regions since Linux 4.18).
   */
  readonly checksApertures: boolean;
  /** Why a request to map is refused before the kernel's own checks; 0 when it is not. */
  refusesMap(request: DmaMapRequest, context: ListenerContext): Errno;
}

/**
 * A version of QEMU, or a patch proposed for it: data and small pure functions, composed by spreading
 * one revision into another. The engine asks; it never looks at `id`.
 */
export interface Revision {
  /** `qemu-2.11`, or base and proposal: `seed-v2+skip-as-posted`. */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  /** Where the rules come from: a release, a line of the seed thread, a commit subject. */
  readonly source: string;
  /** Other VMMs than QEMU say which they are. */
  readonly vmm?: undefined;
  /** The kinds of container that exist in it. */
  readonly iommus: readonly IommuType[];
  readonly listener: ListenerRules;
  readonly device: DeviceRules;
  readonly memslots: MemslotRules;
  readonly machine: MachineRules;
  readonly memory: MemoryRules;
  readonly pci: PciRules;
  readonly host: HostRules;
  /** The form of its `info mtree`. */
  readonly mtree: MtreeForm;
}
