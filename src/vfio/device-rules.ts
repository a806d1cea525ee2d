import type { Address, Offset, Size } from '../address/index.ts';
import type { RegionInfo, SparseArea } from '../host/index.ts';
import type { BarAttributes, MsixLayout } from '../pci-layout/index.ts';
import type { HostRom } from './host-device.ts';
import type { Quirk, QuirkContext } from './quirks.ts';
import type { VfioRegion } from './vfio-region.ts';

/** What the guest sees of MSI-X, after machine and device had their say about emulation (vfio fact 5.12). */
export type MsixExposure =
  /** The emulated table lies on top of the BAR. */
  | { readonly kind: 'emulated' }
  /** The regions of table and PBA exist; the table's is disabled, so accesses reach the region below it. */
  | { readonly kind: 'table-disabled' }
  /** QEMU makes no regions; the capability still names their places. */
  | { readonly kind: 'not-added' }
  /** QEMU makes no regions and writes this layout into the capability. */
  | { readonly kind: 'capability-rewritten'; readonly layout: MsixLayout };

/** What decides about the opt-out from MSI-X emulation. */
export interface OptOutContext {
  /** Whether the machine says that its guests do not use the table. */
  readonly machineOptsOut: boolean;
  /** The device's own property, if the user has set it. */
  readonly deviceOptsOut: boolean | undefined;
  readonly layout: MsixLayout;
}

/**
 * The region that holds the MSI-X regions of a BAR. `undefined` stands for a region that was never
 * initialised: its size is 0, and adding a subregion to it crashes QEMU.
 */
export type MsixParent = (region: VfioRegion) => VfioRegion['bar'] | undefined;

/** The table's BAR, before QEMU takes the table's pages out of its mmap areas. */
export interface FixUpContext {
  /** Bytes of the device's BAR. */
  readonly regionSize: Size;
  readonly hostPageSize: Size;
  /** Whether the host allows an mmap of the table's pages (VFIO_REGION_INFO_CAP_MSIX_MAPPABLE). */
  readonly msixMappable: boolean;
}

/** Where relocation puts table and PBA: offsets in a BAR that grows to `barSize` bytes, a power of two. */
export interface RelocatedMsix {
  readonly barSize: Size;
  readonly tableOffset: Offset;
  readonly pbaOffset: Offset;
}

/** What decides whether the guest sees a device's expansion ROM. */
export interface RomContext {
  readonly vendor: number;
  readonly device: number;
  /** The user's property `rombar`, if the user has set it. */
  readonly rombar: boolean | undefined;
}

/** Why QEMU is done with the mmaps of a BAR: the host refused another area, or the device is refused or unplugged. */
export type ReleaseReason = 'refused-area' | 'refused-device' | 'unplug';

/** How QEMU sets up a device (vfio facts 5.1 to 5.14). */
export interface DeviceRules {
  /** Type and width of a BAR that QEMU reads from the device's register (vfio fact 5.4). */
  barAttributes(attributes: BarAttributes, bar: number): BarAttributes;
  /**
   * The mmap areas that a SPARSE_MMAP capability leads to, in the order in which QEMU numbers them.
   * `undefined` is one area for the whole BAR (vfio fact 5.2).
   *
   * @param areas as the host reports them; an area of 0 bytes stands for "nothing".
   * @throws DeviceRefused for areas that this version does not accept.
   */
  sparseAreas(areas: readonly SparseArea[], bar: number): readonly SparseArea[] | undefined;
  /**
   * What early set-up demands of the place of table and PBA (vfio_msix_early_setup, vfio fact 5.7).
   *
   * @throws DeviceRefused for a place that early set-up refuses.
   */
  checkLocation(layout: MsixLayout): void;
  /** The PBA's true offset on a device whose capability is known to be wrong (vfio fact 5.7). */
  correctPbaOffset(vendor: number, device: number): Offset | undefined;
  /** Whether QEMU accepts a PBA beyond its BAR if the user asks for relocation (vfio fact 5.7). */
  readonly toleratesPbaBeyondBarWhenRelocated: boolean;
  /** Whether the user's `x-no-mmap` leaves the device without mmap areas (vfio fact 5.2). */
  readonly honoursNoMmap: boolean;
  /** Whether QEMU mmaps no BAR without VFIO_REGION_INFO_FLAG_MMAP (vfio fact 5.2). */
  readonly honoursMmapFlag: boolean;
  /** The offset in the BAR of the bytes that QEMU mmaps for an area: the area's own (vfio_region_mmap, vfio fact 5.3). */
  mmapOffset(area: SparseArea): Offset;
  /** Whether QEMU asks for an mmap that can be written (vfio_region_mmap, vfio fact 5.21). */
  mmapsWritable(flags: RegionInfo['flags']): boolean;
  /**
   * Whether the guest and devices may only read the mmaps of a BAR without VFIO_REGION_INFO_FLAG_WRITE: in no release
   * (vfio fact 5.21).
   */
  readonly honoursWriteFlag: boolean;
  /** Whether MSIX_MAPPABLE leaves the mmap of the table's BAR whole (vfio fact 5.8). */
  readonly honoursMsixMappable: boolean;
  /**
   * The mmap areas of the table's BAR without the pages of the table (vfio_pci_fixup_msix_region,
   * vfio fact 5.8).
   */
  fixUpAreas(areas: readonly SparseArea[], layout: MsixLayout, context: FixUpContext): readonly SparseArea[];
  /**
   * Whether the fix-up uses the table's place in the device, or the place after relocation
   * (vfio fact 5.10).
   */
  readonly fixUp: 'before-relocation' | 'after-relocation';
  /** Whether the wrapper region "base BAR n" is registered as PCI BAR, or "BAR n" itself (vfio fact 5.4). */
  readonly baseRegion: boolean;
  /** The region that holds the mmap areas of a BAR: "BAR n" in every release (vfio fact 5.3). */
  readonly mmapParent: (region: VfioRegion) => VfioRegion['bar'];
  /** Priority of the mmap areas among the subregions of their parent; 0 in every release (vfio fact 5.3). */
  readonly mmapPriority: number;
  /** The region that holds the emulated table and PBA of a BAR (vfio fact 5.11). */
  readonly msixParent: MsixParent;
  /** What the guest sees of MSI-X where the machine opts out of its emulation, and where not (vfio fact 5.12). */
  readonly msixExposure: (context: OptOutContext) => MsixExposure;
  /** Whether the property `x-msix-relocation` exists (vfio fact 5.10). */
  readonly relocation: boolean;
  /**
   * Where `x-msix-relocation` puts table and PBA (vfio_pci_relocate_msix).
   *
   * @param barSize bytes of the BAR that takes them; 0 for a BAR that the device does not have.
   */
  relocate(barSize: Size, vectors: number, hostPageSize: Size): RelocatedMsix;
  /** What QEMU does if the user asks for relocation and the device has no MSI-X capability. */
  readonly relocationWithoutMsix: 'ignored' | 'crash';
  /** The layout by which QEMU places the emulated table and PBA; the capability keeps its own. */
  emulatedLayout(layout: MsixLayout): MsixLayout;
  /**
   * Bytes of the emulated table's region (msix_init, vfio fact 5.11).
   *
   * @param tableSize bytes of the table's entries.
   */
  emulatedTableSize(tableSize: Size, hostPageSize: Size): Size;
  /** Bytes of the emulated PBA's region (msix_init, vfio fact 5.11). */
  emulatedPbaSize(pbaSize: Size, hostPageSize: Size): Size;
  /** The parts of a BAR in which QEMU answers in the device's place (vfio_bar_quirk_setup, vfio fact 5.19). */
  quirks(context: QuirkContext): readonly Quirk[];
  /** Whether the guest sees QEMU's own PBA; every release disables its region (vfio_msix_setup, vfio fact 5.11). */
  readonly showsPba: boolean;
  /**
   * What the guest sees of the resizable BAR capability: nothing, the present size alone, or all that the device offers
   * (vfio_add_ext_cap, vfio fact 5.20).
   */
  readonly resizableBar: 'hidden' | 'present-size' | 'as-device';
  /** Priority of table and PBA among the subregions of their parent; 0 in every release (vfio fact 5.11). */
  readonly msixPriority: number;
  /** Bytes of the BAR that QEMU registers with the PCI core (vfio_bar_prepare, vfio fact 5.4). */
  registeredSize(size: Size, bar: number): Size;
  /** Whether QEMU takes back the mmaps of a BAR when it is done with them (vfio_region_exit, vfio fact 5.3). */
  releasesAreas(why: ReleaseReason): boolean;
  /**
   * What an unplug does first: take the BARs off the bus, so that no memslot shows them any more, or take the mmaps
   * back (vfio_bars_exit, vfio_bars_finalize, vfio fact 5.3).
   */
  readonly unplugOrder: 'bars-first' | 'mmaps-first';
  /** What QEMU keeps of a BAR with an area that the host does not let it mmap (vfio fact 5.3). */
  readonly mmapFailure: 'no-area' | 'other-areas';
  /** What a reset brings the function back to, or whether it keeps what the guest wrote (vfio fact 10.5). */
  readonly resetRestores: 'power-on' | 'nothing' | 'bars-only' | 'command-only';
  /** Whether a reset switches decoding off first, by a guest's write (vfio_pci_pre_reset, vfio fact 10.5). */
  readonly resetStopsDecoding: boolean;
  /** Whether a reset switches MSI-X off. */
  readonly resetsMsix: boolean;
  /**
   * Whether the emulated table moves with its BAR, as a subregion does; otherwise the VMM goes on to trap where the BAR was
   * mapped first (vfio fact 5.11).
   */
  readonly tableFollowsBar: boolean;
  /** Whether QEMU stretches a small BAR again each time the BAR moves (vfio fact 5.9). */
  readonly followsMoves: boolean;
  /** What QEMU does after it refused a vfio-user device that was hot-plugged (vfio fact 5.16). */
  readonly hotplugRefusal: 'reported' | 'crash';
  /** What QEMU does after it refused a hot-plugged device for its MSI-X capability (vfio fact 5.22). */
  readonly hotplugMsixRefusal: 'reported' | 'crash';
  /** What QEMU does when a vfio-user device with MSI-X is unplugged (vfio fact 10.11). */
  readonly msixUnplug: 'done' | 'crash';
  /** Whether QEMU asks the kernel for a dma-buf of the mmap areas of each BAR, for P2P with iommufd (QEMU 11; vfio fact 5.17). */
  readonly exportsDmaBuf: boolean;
  /**
   * Where in the dma-buf of its BAR QEMU looks for a byte of an area (vfio fact 5.17).
   *
   * @param at offset of the byte in the area.
   * @param before bytes of the areas that the dma-buf has before this one. `before + at` is where the byte is.
   */
  dmaBufStart(area: SparseArea, at: Offset, before: Size): bigint;
  /** Alignment in bytes of the host address at which QEMU mmaps an area of `size` bytes (vfio fact 5.3). */
  mmapAlignment(size: Size, hostPageSize: Size): Size;
  /**
   * How many bytes a BAR smaller than a host page shows (vfio_sub_page_bar_update_mapping, vfio fact 5.9).
   *
   * @param barSize bytes of the device's BAR.
   * @param address where the BAR is mapped; `undefined` while the BAR is not mapped.
   */
  subPageSize(barSize: Size, address: Address | undefined, hostPageSize: Size): Size;
  /** Priority of a stretched BAR in its bus; other BARs have 1 (vfio fact 5.9). */
  readonly stretchedPriority: number;
  /**
   * Whether the wrapper region of a stretched BAR shrinks when the BAR does; in no release (vfio fact 5.9).
   */
  readonly wrapperShrinks: boolean;
  /** Whether the guest sees the device's own expansion ROM (vfio_pci_size_rom, vfio fact 5.23). */
  showsRom(context: RomContext): boolean;
  /** Bytes of the ROM that QEMU registers: those that the register decodes; 0 for none (vfio fact 5.23). */
  romSize(rom: HostRom): Size;
}
