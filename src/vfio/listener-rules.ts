import type { Offset, Size } from '../address/index.ts';
import type { MemoryRegionSection } from '../memory/index.ts';
import type { SkipReason } from './event.ts';
import type { IommuType } from './iommu-type.ts';
import type { Span } from './trim.ts';

/** The page sizes that the rules of the listener choose from. In bytes, each a power of two. */
export interface PageSizes {
  /** The page of the host's kernel. */
  readonly host: Size;
  /** The page of the emulated CPU (TARGET_PAGE_SIZE). */
  readonly target: Size;
  /** The smallest page of the container's IOMMU. */
  readonly iommu: Size;
}

/** The arguments of a listener rule besides the section. */
export interface ListenerContext {
  readonly pages: PageSizes;
  readonly iommuType: IommuType;
  /** Whether the section appears in the flat view or disappears from it. */
  readonly change: 'add' | 'remove';
  /** Whether the listener is set up already: the sections that a new listener gets come before. */
  readonly initialized: boolean;
}

/** How the DMA listener treats a section of the flat view (vfio facts 6.1 to 6.10). */
export interface ListenerRules {
  /**
   * Why the listener maps nothing of a section, or `undefined` (vfio_listener_skipped_section). The listener
   * asks when the section is added and again when it is removed.
   */
  skip(section: MemoryRegionSection, context: ListenerContext): SkipReason | undefined;
  /** Whether the listener says that it maps nothing of a section, and why (its trace points; vfio fact 6.13). */
  reportsSkip(reason: SkipReason): boolean;
  /**
   * The unit in bytes to which the listener trims a section. Address and offset in the region must be equal
   * modulo this unit (vfio fact 6.2).
   */
  alignment(pages: PageSizes): Size;
  /**
   * The piece of a section that trimming leaves, or why it leaves none (vfio_get_section_iova_range,
   * vfio fact 6.3).
   *
   * @param unit the answer of `alignment`, in bytes.
   */
  trim(section: MemoryRegionSection, unit: Size, context: ListenerContext): Span | SkipReason;
  /** Whether the listener asks the host to map a trimmed piece of device memory (vfio fact 6.6). */
  mapsDeviceMemory(start: bigint, size: Size, pages: PageSizes): boolean;
  /** The offset in the section's region of the bytes that back address `start`. */
  backingOffset(section: MemoryRegionSection, start: bigint): Offset;
  /** Whether devices may only read the section (vfio fact 6.7). */
  mapsReadonly(section: MemoryRegionSection): boolean;
  /**
   * Whether the listener unmaps a piece of a removed section (vfio_listener_region_del, vfio fact 6.10). The
   * listener skips device memory for which `mapsDeviceMemory` is false, and does not call this rule.
   *
   * @param mapped whether the listener has mapped a piece that begins there, with the host's consent.
   */
  unmaps(section: MemoryRegionSection, piece: Span, mapped: boolean, context: ListenerContext): boolean;
  /** The range that the listener asks the host to unmap when a piece goes away: the piece itself in every release. */
  unmapSpan(piece: Span, section: MemoryRegionSection, context: ListenerContext): Span;
  /**
   * Whether the listener maps of RAM of virtio-mem only what is plugged (vfio_ram_discard_register_listener,
   * vfio fact 6.14); otherwise all of the section, as of other RAM.
   */
  followsDiscards(section: MemoryRegionSection): boolean;
  /**
   * The largest part of plugged RAM that one request maps, and can be unmapped again by itself, in bytes: a block
   * (vfio_ram_discard_notify_populate, vfio fact 6.14).
   */
  populateUnit(block: Size, pages: PageSizes): Size;
  /**
   * The range that the listener asks the host to unmap when a part of RAM is discarded (vfio_ram_discard_notify_discard,
   * vfio fact 6.14); `undefined` for no request.
   *
   * @param discarded the guest-physical addresses of the part.
   */
  discardSpan(discarded: Span, section: MemoryRegionSection): Span | undefined;
  /** Whether a part that the host did not map whole is unmapped again (vfio_ram_discard_notify_populate). */
  readonly rollsBackPopulate: boolean;
  /**
   * The name of the range to which a piece of a section belongs when a migration begins: devices log what they write from the
   * first to the last piece of each range (vfio_dirty_tracking_update_range, vfio fact 6.15). `undefined` for no range.
   */
  dirtyRange(section: MemoryRegionSection, piece: Span): string | undefined;
  /**
   * What QEMU does when the blocks of virtio-mem could exceed the host's limit of mappings (vfio fact 6.14): the section is
   * refused, or QEMU prints a warning.
   */
  readonly discardLimit: 'refused' | 'warned';
  /**
   * What follows when the host refuses a map because something is mapped there (EEXIST). QEMU tries once more after EBUSY
   * alone (vfio fact 6.7), which Linux does not answer.
   */
  readonly whenMapped: 'failure' | 'unmap-and-retry';
  /**
   * What a listener asks the host to do with each section when the listener is unregistered. QEMU 2.11 asks
   * nothing; 2.12 and later unmap (memory fact 3.5).
   */
  readonly whenUnregistered: 'nothing' | 'unmap' | 'map';
  /**
   * What the host's refusal to map device memory leads to (vfio fact 6.8). `fatal`: the same as for RAM.
   * `reported`: QEMU prints a message and goes on, at start-up too.
   */
  readonly deviceMemoryFailure: 'fatal' | 'reported';
  /**
   * What the host's refusal to map RAM leads to once the container is set up (vfio fact 6.8). During set-up
   * QEMU refuses the device in any case.
   */
  readonly ramFailure: 'fatal' | 'reported';
  /** Whether QEMU prints that the host has refused an unmap; every release does (vfio fact 6.9). */
  readonly reportsFailedUnmap: boolean;
  /** What QEMU does when it knows no sPAPR window for a removed section (vfio fact 7.4). */
  readonly missingWindow: 'fatal' | 'ignored';
}
