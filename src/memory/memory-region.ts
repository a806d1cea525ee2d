import { END_OF_SPACE, offset, type HostAddress, type Offset, type Size } from '../address/index.ts';
import type { RamDiscardManager } from './ram-discard-manager.ts';
import type { SubregionIndex } from './subregion-index.ts';

/**
 * What a region does with an access that no subregion answers (memory fact 1.3).
 *
 * Neither a `container` nor an `alias` terminates: the gaps between its children, or in its target, stay unassigned.
 * ROM is no kind of its own: as in QEMU it is `ram` with `readonly` set (memory_region_init_rom).
 */
export type RegionKind = 'container' | 'io' | 'ram' | 'ram-device' | 'rom-device' | 'iommu' | 'alias';

/** The part of another region that an alias shows. */
export interface AliasTarget {
  readonly region: MemoryRegion;
  /** Where in `region` the alias begins. */
  readonly offset: Offset;
  /** One past the last offset in `region` that the alias shows. It is a field because every change below it is cut to it. */
  readonly end: bigint;
}

/** What the maker of a region chooses; later only a `MemoryTopology` changes a region. */
export interface RegionOptions {
  /** The device that owns the region; `info mtree -o` prints its name. */
  readonly owner?: string;
  /** Where byte 0 of RAM, ROM or device memory lies in the VMM process. */
  readonly hostAddress?: HostAddress;
  readonly readonly?: boolean;
  readonly nonvolatile?: boolean;
  readonly unmergeable?: boolean;
  /** The smallest page of an emulated IOMMU, in bytes (memory_region_iommu_get_min_page_size). */
  readonly iommuPageSize?: Size;
  /** RAM that neither the host nor devices may reach, such as an enclave (RAM_PROTECTED, memory fact 1.9). */
  readonly isProtected?: boolean;
  /** RAM of virtio-mem: which parts of the region are plugged (memory fact 1.10). */
  readonly discards?: RamDiscardManager;
}

const NO_OPTIONS: RegionOptions = {};

/** The empty list that all regions without subregions or aliases share; adding the first one replaces the list. */
const NO_REGIONS: readonly MemoryRegion[] = [];

/**
 * A node of the region tree (QEMU's `MemoryRegion`, memory fact 1.1).
 *
 * Only `MemoryTopology` changes a region. A change outside its transactions would leave the flat views
 * as they are.
 */
export class MemoryRegion {
  readonly name: string;
  readonly kind: RegionKind;
  readonly owner: string | undefined;
  readonly hostAddress: HostAddress | undefined;
  /** In bytes, 0 to 2^64; a region of 0 bytes renders nothing (memory fact 1.2). */
  readonly size: Size;
  /** Where in its container the region begins. */
  readonly address: Offset = offset(0n);
  /** `address` plus `size`. It is a field because rendering reads it more often than anything else. */
  readonly end: bigint;
  /** Orders the siblings of one container: a higher priority hides a lower one. It may be negative. */
  readonly priority: number = 0;
  readonly enabled: boolean = true;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  readonly isProtected: boolean;
  /** Which parts are plugged, if the region is RAM of virtio-mem. */
  readonly discards: RamDiscardManager | undefined;
  /** The smallest page of an emulated IOMMU, in bytes; `undefined` for its machine's own. */
  readonly iommuPageSize: Size | undefined;
  /** Whether a ROM device shows its contents, which the guest reads directly, or its registers. */
  readonly romdMode: boolean = true;
  readonly container: MemoryRegion | undefined = undefined;
  /** The children in rendering order, unless `subregionIndex` has them. */
  readonly subregionList: readonly MemoryRegion[] = NO_REGIONS;
  /** Which addition to its container this region was, counted by the container's index if it has one. */
  readonly additionNumber: number = 0;
  /** The children of a container that has many. */
  readonly subregionIndex: SubregionIndex<MemoryRegion> | undefined = undefined;
  readonly alias: AliasTarget | undefined;
  /** The aliases that show this region. */
  readonly aliasedBy: readonly MemoryRegion[] = NO_REGIONS;

  private constructor(
    name: string,
    kind: RegionKind,
    size: Size,
    options: RegionOptions,
    { alias, readonly = options.readonly ?? false }: { alias?: AliasTarget; readonly?: boolean } = {},
  ) {
    if (size < 0n || size > END_OF_SPACE)
      throw new RangeError(`size of region ${name} is not within 0..2^64`);
    this.name = name;
    this.kind = kind;
    this.size = size;
    this.end = size;
    this.owner = options.owner;
    this.hostAddress = options.hostAddress;
    this.readonly = readonly;
    this.nonvolatile = options.nonvolatile ?? false;
    this.unmergeable = options.unmergeable ?? false;
    this.isProtected = options.isProtected ?? false;
    this.discards = options.discards;
    this.iommuPageSize = options.iommuPageSize;
    this.alias = alias;
    if (alias !== undefined) {
      const target = alias.region as { aliasedBy: readonly MemoryRegion[] };
      if (target.aliasedBy === NO_REGIONS) target.aliasedBy = [this];
      else (target.aliasedBy as MemoryRegion[]).push(this);
    }
  }

  /** A pure container, which answers no access itself (memory_region_init). */
  static container(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'container', size, options);
  }

  /** A region whose accesses the VMM emulates (memory_region_init_io). */
  static io(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'io', size, options);
  }

  /** RAM (memory_region_init_ram and its variants). */
  static ram(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'ram', size, options);
  }

  /** Read-only RAM; the option `readonly` is ignored (memory_region_init_rom). */
  static rom(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'ram', size, options, { readonly: true });
  }

  /** Memory of a device that the VMM has mmapped, such as a BAR (memory_region_init_ram_device_ptr). */
  static ramDevice(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'ram-device', size, options);
  }

  /** Memory that the guest reads directly and writes through callbacks, such as flash (memory_region_init_rom_device). */
  static romDevice(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'rom-device', size, options);
  }

  /** A region whose accesses an emulated IOMMU translates (memory_region_init_iommu). */
  static iommu(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'iommu', size, options);
  }

  /** A region that shows `size` bytes of `target` from `targetOffset` on (memory_region_init_alias). */
  static alias(
    name: string,
    target: MemoryRegion,
    targetOffset: Offset,
    size: Size,
    options = NO_OPTIONS,
  ): MemoryRegion {
    return new MemoryRegion(name, 'alias', size, options, {
      alias: { region: target, offset: targetOffset, end: targetOffset + size },
    });
  }

  /** Children in rendering order: by descending priority; of equal priorities the one added last comes first (memory fact 1.5). */
  get subregions(): readonly MemoryRegion[] {
    return this.subregionIndex === undefined ? this.subregionList : this.subregionIndex.inRenderingOrder();
  }

  /** Whether the region answers the accesses that no subregion answers (QEMU's `terminates`). */
  get terminates(): boolean {
    return this.kind !== 'container' && this.kind !== 'alias';
  }

  /** Whether the region is RAM, ROM or device memory; a ROM device is not (memory_region_is_ram). */
  get isRam(): boolean {
    return this.kind === 'ram' || this.kind === 'ram-device';
  }

  /** Whether the region is device memory that the VMM has mmapped (memory_region_is_ram_device). */
  get isRamDevice(): boolean {
    return this.kind === 'ram-device';
  }

  /** Whether the region, or the target of its alias, is an emulated IOMMU (memory_region_is_iommu). */
  get isIommu(): boolean {
    return this.alias === undefined ? this.kind === 'iommu' : this.alias.region.isIommu;
  }
}
