import { END_OF_SPACE, offset, type HostAddress, type Offset, type Size } from '../address/index.ts';

/**
 * What a region does with an access that no subregion takes.
 *
 * `container` and `alias` do not terminate: what they do not cover stays unassigned. `rom` is not a
 * kind of its own: it is `ram` with `readonly` set, as in QEMU (memory_region_init_rom).
 */
export type RegionKind = 'container' | 'io' | 'ram' | 'ram-device' | 'rom-device' | 'iommu' | 'alias';

/** The part of another region that an alias shows. */
export interface AliasTarget {
  readonly region: MemoryRegion;
  /** Where in `region` the alias begins. */
  readonly offset: Offset;
}

/** What can be said of a region when it is made; everything else changes through a `MemoryTopology`. */
export interface RegionOptions {
  /** The device that made the region; `info mtree -o` prints it. */
  readonly owner?: string;
  /** Where byte 0 of a RAM-like region lies in the VMM process. */
  readonly hostAddress?: HostAddress;
  readonly readonly?: boolean;
  readonly nonvolatile?: boolean;
  readonly unmergeable?: boolean;
}

const NO_OPTIONS: RegionOptions = {};

/** What most regions have below them; shared, and replaced when there is something. */
const NONE: readonly MemoryRegion[] = [];

/**
 * A node of the region tree (QEMU's `MemoryRegion`; memory fact 1.1).
 *
 * To everybody but `MemoryTopology` a region is read-only: every change has to pass through a
 * transaction, or the flat views would not follow.
 */
export class MemoryRegion {
  readonly name: string;
  readonly kind: RegionKind;
  readonly owner: string | undefined;
  readonly hostAddress: HostAddress | undefined;
  /** 2^64 at most; 0 is legal and renders nothing. */
  readonly size: Size;
  /** Where in its container the region begins. */
  readonly address: Offset = offset(0n);
  /** Where in its container it ends: kept beside `address` and `size` because rendering asks for nothing else so often. */
  readonly end: bigint;
  readonly priority: number = 0;
  readonly enabled: boolean = true;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  /** Whether a ROM device shows its contents (reads are direct) rather than its registers. */
  readonly romdMode: boolean = true;
  readonly container: MemoryRegion | undefined = undefined;
  /** Children in the order in which they are rendered: by falling priority, latest added first. */
  readonly subregions: readonly MemoryRegion[] = NONE;
  readonly alias: AliasTarget | undefined;
  /** The aliases that show this region. */
  readonly aliasedBy: readonly MemoryRegion[] = NONE;

  private constructor(
    name: string,
    kind: RegionKind,
    size: Size,
    options: RegionOptions,
    alias?: AliasTarget,
    readonly = options.readonly ?? false,
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
    this.alias = alias;
    if (alias !== undefined) {
      const target = alias.region as { aliasedBy: readonly MemoryRegion[] };
      if (target.aliasedBy === NONE) target.aliasedBy = [this];
      else (target.aliasedBy as MemoryRegion[]).push(this);
    }
  }

  /** A pure container: it only holds subregions (memory_region_init). */
  static container(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'container', size, options);
  }

  /** A region whose accesses reach the VMM (memory_region_init_io). */
  static io(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'io', size, options);
  }

  /** RAM (memory_region_init_ram and its variants). */
  static ram(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'ram', size, options);
  }

  /** Read-only RAM (memory_region_init_rom). */
  static rom(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'ram', size, options, undefined, true);
  }

  /** A device's memory mapped into the VMM, such as an mmapped BAR (memory_region_init_ram_device_ptr). */
  static ramDevice(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'ram-device', size, options);
  }

  /** Memory that is read directly and written through callbacks, such as flash (memory_region_init_rom_device). */
  static romDevice(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'rom-device', size, options);
  }

  /** A region behind which an emulated IOMMU translates (memory_region_init_iommu). */
  static iommu(name: string, size: Size, options = NO_OPTIONS): MemoryRegion {
    return new MemoryRegion(name, 'iommu', size, options);
  }

  /** Shows `size` bytes of `target` from `targetOffset` on (memory_region_init_alias). */
  static alias(
    name: string,
    target: MemoryRegion,
    targetOffset: Offset,
    size: Size,
    options = NO_OPTIONS,
  ): MemoryRegion {
    return new MemoryRegion(name, 'alias', size, options, { region: target, offset: targetOffset });
  }

  /** Whether the region takes the accesses that its subregions leave (QEMU's `terminates`). */
  get terminates(): boolean {
    return this.kind !== 'container' && this.kind !== 'alias';
  }

  /** memory_region_is_ram: RAM, ROM and device memory, but no ROM device. */
  get isRam(): boolean {
    return this.kind === 'ram' || this.kind === 'ram-device';
  }

  /** memory_region_is_ram_device: a device's memory mapped into the VMM. */
  get isRamDevice(): boolean {
    return this.kind === 'ram-device';
  }

  /** memory_region_is_iommu, which looks through aliases. */
  get isIommu(): boolean {
    return this.alias === undefined ? this.kind === 'iommu' : this.alias.region.isIommu;
  }
}
