import type { Offset, Size } from '../address/index.ts';
import type { SparseArea } from '../host/index.ts';
import type { MemoryRegionSection, MtreeForm } from '../memory/index.ts';
import type { MsixLayout } from '../pci/index.ts';
import type { SkipReason } from './event.ts';
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
}

/** How the DMA listener treats a section (facts 6.1 to 6.10). */
export interface ListenerRules {
  /** A reason to leave the section alone, when added and when removed (vfio_listener_skipped_section). */
  skip(section: MemoryRegionSection, context: ListenerContext): SkipReason | undefined;
  /** The unit to which the edges of a section are trimmed, and modulo which address and offset must agree. */
  alignment(pages: PageSizes): Size;
  /** Whether a trimmed piece of device memory may be asked for (fact 6.6); otherwise it is skipped. */
  mapsDeviceMemory(start: bigint, size: Size, pages: PageSizes): boolean;
  /** Whether a listener that is unregistered first unmaps what it has mapped (2.12 and later). */
  readonly unmapsWhenUnregistered: boolean;
  /** What happens when the host refuses to map device memory after the start (fact 6.8). */
  readonly deviceMemoryFailure: 'fatal' | 'reported';
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

/** How a device is set up (facts 5.1 to 5.14). */
export interface DeviceRules {
  /**
   * The mmap areas that a sparse capability leads to, in the order in which they are numbered.
   *
   * @throws DeviceRefused for areas that this version does not accept.
   */
  sparseAreas(areas: readonly SparseArea[], bar: number): readonly SparseArea[];
  /** @throws DeviceRefused for table or PBA locations that early set-up does not accept. */
  checkLocation(layout: MsixLayout): void;
  /** Offsets that stand for ones which the device's own capability has wrong (fact 5.7). */
  correctPbaOffset(vendor: number, device: number): Offset | undefined;
  /** Whether a PBA beyond its BAR is accepted when relocation is asked for. */
  readonly toleratesPbaBeyondBarWhenRelocated: boolean;
  /** Whether MSIX_MAPPABLE leaves the mmap of the table's BAR whole (fact 5.8). */
  readonly honoursMsixMappable: boolean;
  /** Whether the BAR is registered through a wrapper region "base BAR n" (fact 5.4). */
  readonly baseRegion: boolean;
  readonly msixParent: MsixParent;
  readonly msixExposure: (context: OptOutContext) => MsixExposure;
  /** Whether `x-msix-relocation` exists (fact 5.10). */
  readonly relocation: boolean;
  /** What becomes of the VMM when it refuses a device that was hot-plugged. */
  readonly hotplugRefusal: 'reported' | 'crash';
  /** What becomes of the VMM when a vfio-user device with MSI-X is unplugged. */
  readonly msixUnplug: 'done' | 'crash';
  /** The alignment of the address at which an area of `size` bytes is mmapped, in bytes (fact 5.3). */
  mmapAlignment(size: Size, hostPageSize: Size): Size;
}

/** What the memslot of a section spans: nothing, or a stretch of the section. */
export interface MemslotSpan {
  readonly start: bigint;
  readonly size: Size;
}

/** How the KVM listener makes memslots (facts 9.1 to 9.5). */
export interface MemslotRules {
  /** The part of a section that gets a slot (kvm_align_section). */
  span(section: MemoryRegionSection, pages: Omit<PageSizes, 'iommu'>): MemslotSpan | undefined;
  /** Whether slots change in each callback, or at commit with all deletions first (8.0 and later). */
  readonly update: 'immediately' | 'at-commit';
}

/** What a version or proposal changes in the machine itself. */
export interface MachineRules {
  /** sPAPR: show the MMIO windows in the PHB's DMA address space, for peer-to-peer (proposed in the seed thread). */
  readonly mmioInPhbDmaSpace: boolean;
  /** pseries: a reset takes every container for one of the kernel's, and dies of any other (fact 11.3). */
  readonly phbResetNeedsKernelContainer: boolean;
  /** pseries: the interrupt controller has registers in memory (XIVE, 3.1 and later). */
  readonly xive: boolean;
  /** What the first CPU's address space is called. */
  readonly cpuSpaceName: string;
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
  /** The kinds of container that exist in it. */
  readonly iommus: readonly IommuType[];
  readonly listener: ListenerRules;
  readonly device: DeviceRules;
  readonly memslots: MemslotRules;
  readonly machine: MachineRules;
  /** The form of its `info mtree`. */
  readonly mtree: MtreeForm;
  /** Ids of the invariants that it is known to break; a test holds the search to exactly these. */
  readonly breaks: readonly string[];
}
