import type { Offset, Range, Size } from '../address/index.ts';
import type { SparseArea } from '../host/index.ts';
import type { MtreeForm } from '../memory/index.ts';
import type { BarAttributes, BarType, MsixLayout } from '../pci-layout/index.ts';
import type { FixedUpBar } from './msix-fix-up.ts';
import type { HoleRule } from './sparse-areas.ts';
import type { BarAccess } from './table-access.ts';

/** One of the calls with which a move takes an area of a BAR to its new address. */
export type MoveStep = 'unmap-dma' | 'remove-slot' | 'create-slot' | 'map-dma';

/** The rules that differ between versions of cloud-hypervisor. */
export interface CloudHypervisorRules {
  /** The pages around table or PBA that the VMM does not mmap (VfioPciDevice::generate_sparse_areas). */
  readonly hole: HoleRule;
  /**
   * How many bytes the VMM mmaps for an area (VfioPciDevice::map_mmio_regions).
   *
   * @returns `undefined` for an area that makes the VMM refuse the device.
   */
  mmapLength(area: SparseArea, hostPageSize: Size): Size | undefined;
  /** Alignment in bytes of the host address at which the VMM mmaps an area (MmapRegion::mmap). */
  mmapAlignment(length: Size, hostPageSize: Size): Size;
  /** Whether the user can exclude BARs from mmap (`x_exclude_mmap_bars`). */
  readonly excludesMmap: boolean;
  /**
   * When a BAR moves that the guest programs while memory is enabled: at once, or with the guest's next write to
   * another register. VfioCommon::write_config_register reads the shadow of COMMAND.
   */
  readonly movesEnabledBar: 'at-once' | 'with-next-write';
  /** Whether a failed move restores the old address in the allocator and in the BAR's register. */
  readonly undoesRefusedMove: boolean;
  /**
   * Whether a write to a BAR's registers only asks for the size, and moves nothing (detect_bar_reprogramming).
   *
   * @param halves the low half, and the high half of a 64-bit BAR, else 0.
   */
  isProbe(type: BarType, halves: { readonly low: bigint; readonly high: bigint }): boolean;
  /** Table, PBA and size of a BAR that the guest sees (VfioCommon::fixup_msix_region). */
  fixUpMsix(layout: MsixLayout, bar: number, regionSize: Size, hostPageSize: Size): FixedUpBar;
  /** Alignment in bytes of the addresses that the VMM hands out for a BAR; a power of two (allocate_bars). */
  alignment(type: BarType, size: Size, hostPageSize: Size): Size;
  /** How many bytes of addresses the VMM takes for a BAR, and gives back when the device goes (allocate_bars). */
  allocatedSize(type: BarType, size: Size, hostPageSize: Size): Size;
  /** From which end of a gap the VMM takes addresses (AddressAllocator). */
  readonly allocates: 'from-the-top' | 'from-the-bottom';
  /** Whether a removed device gives its addresses back. */
  readonly freesAddresses: boolean;
  /** Whether a move asks the allocator for the new addresses and gives the old ones back. */
  readonly movesInAllocator: boolean;
  /** What a move does with each area of the BAR, in this order; a release does all four (VfioPciDevice::move_bar). */
  readonly moveSteps: readonly MoveStep[];
  /** What the removal of a device takes away of each area, in this order (unmap_mmio_regions). */
  readonly removes: readonly ('dma-mappings' | 'slots' | 'mmaps')[];
  /** The number of the slot of an area or a part of RAM; `unused` is a number that no slot has. */
  slotNumber(unused: number): number;
  /**
   * Whether a part of RAM is mapped for DMA when a container is opened (add_vfio_device).
   *
   * @param start its guest address.
   * @param size its bytes.
   * @param opened how many containers the VMM has opened before.
   */
  mapsRam(start: bigint, size: Size, opened: number): boolean;
  /** Type and width of a BAR that the VMM reads from the device's register (allocate_bars). */
  barAttributes(attributes: BarAttributes, bar: number): BarAttributes;
  /** Bytes of a BAR that the VMM finds by sizing the device's register (allocate_bars). */
  barSize(size: Size, bar: number): Size;
  /** How many areas of each BAR a removal takes away: all of them, or the first (unmap_mmio_regions). */
  readonly removesAreas: 'all' | 'first';
  /** Which slot a new area gets: the one freed last, or one that was never used. */
  readonly slotReuse: 'last-freed' | 'never';
  /** Whether areas of BARs are mapped for DMA, for P2P. */
  readonly mapsDeviceMemory: boolean;
  /** What a refused DMA map of an area leads to (map_mmio_regions). */
  readonly mapFailure: 'device-refused' | 'ignored';
  /** Whether the VMM closes the container when the last device is gone (eject_device). */
  readonly closesContainer: boolean;
  /** Whether trapped accesses to the table reach an emulated one (msix_table_accessed). */
  readonly emulatesTable: boolean;
  /**
   * Whether a trapped access goes to the emulated table rather than to the device (VfioCommon::read_bar).
   *
   * @param table the offsets of the table's entries in the BAR.
   */
  routesToTable(access: BarAccess, table: Range): boolean;
  /**
   * Whether the emulated table carries out the access (MsixConfig::read_table).
   *
   * @param access its offset is that in the table.
   * @param size bytes of the table's entries.
   */
  tableAnswers(access: BarAccess, size: Size): boolean;
  /** The offset in the device's BAR at which the VMM carries out other accesses (VfioCommon::read_bar). */
  regionOffset(access: BarAccess): Offset;
  /** Whether a reboot hands out the addresses of BARs anew (vm_reboot). */
  readonly rebootFreesAddresses: boolean;
  /**
   * When the VMM puts a device on its bus (add_vfio_device). A refused device that is on its bus stays
   * there.
   */
  readonly commits: 'before-mapping' | 'after-mapping';
}

/**
 * A version of cloud-hypervisor, or a patch proposed for it. The engine asks the rules and never looks at
 * `id`.
 */
export interface CloudHypervisorRevision {
  /** `cloud-hypervisor-53.0`, or base and proposal: `cloud-hypervisor-51.0+clamped-holes`. */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  /** Where the rules come from: a release, pull requests, commits. */
  readonly source: string;
  readonly vmm: 'cloud-hypervisor';
  readonly iommus: readonly ['type1'];
  readonly rules: CloudHypervisorRules;
  /** The form in which barproof prints its memory map. cloud-hypervisor has no command that prints one. */
  readonly mtree: MtreeForm;
}
