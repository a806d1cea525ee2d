import { hex, isPowerOfTwo, offset, type HostAddress, type Offset, type Size } from '../address/index.ts';
import { errnoName, type RegionInfo, type SparseArea } from '../host/index.ts';
import { MemoryRegion, type MemoryTopology } from '../memory/index.ts';
import { MsixState } from '../pci/index.ts';
import { BAR_COUNT, msixTableSize, type BarAttributes, type MsixLayout } from '../pci-layout/index.ts';
import type { BarLayer, EventSink, HostDevice } from '../vfio/index.ts';
import { BarRegisters } from './bar-registers.ts';
import { DeviceManagerError } from './device-manager-error.ts';
import { fixUpMsixRegion } from './msix-fix-up.ts';
import type { CloudHypervisorRules } from './revision.ts';
import { generateSparseAreas } from './sparse-areas.ts';
import type { UserMemory, UserMemoryRegion } from './user-memory.ts';
import type { VfioOps } from './vfio-ops.ts';

/** What a device gets from the VMM that it is added to. */
export interface DevicePlatform {
  readonly rules: CloudHypervisorRules;
  readonly hostPageSize: Size;
  readonly topology: MemoryTopology;
  readonly userMemory: UserMemory;
  readonly vfioOps: VfioOps;
  /** A place for a BAR, or nothing when there is none. */
  readonly allocate: (attributes: BarAttributes, size: Size) => bigint | undefined;
  /** Reserves `size` bytes of the VMM's address space. */
  readonly reserve: (size: Size, alignment: Size) => HostAddress;
  readonly emit: EventSink;
}

/** A BAR as the VMM keeps it (MmioRegion). */
export interface MmioRegion {
  readonly index: number;
  readonly attributes: BarAttributes;
  /** Bytes that the guest sees: the device's, or more after the fix-up. */
  readonly size: Size;
  /** Where the VMM takes it to be. */
  start: bigint;
  /** What answers where there is no slot: the VMM, by reading and writing the device. */
  readonly bar: MemoryRegion;
  readonly info: RegionInfo;
  readonly userMemoryRegions: UserMemoryRegion[];
  /** The regions that show the BAR's bytes, and where in it they begin. */
  readonly layers: BarLayer[];
}

/** The call that ended a move (an io::Error). */
export type MoveFailure = string;

/** A device passed through (pci/src/vfio.rs: VfioPciDevice). */
export class VfioPciDevice {
  readonly id: string;
  readonly name: string;
  readonly registers = new BarRegisters();
  readonly mmioRegions: readonly MmioRegion[];
  /** What the guest reads from the capability. */
  readonly msixLayout: MsixLayout | undefined;
  readonly msixState: MsixState | undefined;
  memoryEnabled = false;
  readonly #host: HostDevice;
  readonly #platform: DevicePlatform;

  /**
   * Finds the BARs and gives each a place (VfioCommon::allocate_bars); nothing is mapped yet.
   *
   * @throws DeviceManagerError when there is no place for one.
   */
  constructor(id: string, host: HostDevice, platform: DevicePlatform) {
    this.id = id;
    this.name = host.name;
    this.#host = host;
    this.#platform = platform;
    let layout = host.msix;
    const regions: MmioRegion[] = [];
    for (let index = 0; index < BAR_COUNT; index++) {
      const info = host.region(index);
      if (info.size === 0n) continue;
      const attributes = host.barAttributes(index);
      let { size } = info;
      if (attributes.type === 'mem64' && layout !== undefined) {
        ({ size, layout } = fixUpMsixRegion(layout, index, size, platform.hostPageSize));
      }
      regions.push(this.#allocateBar(index, info, attributes, size));
    }
    this.mmioRegions = regions;
    this.msixLayout = layout;
    this.msixState = layout && new MsixState(layout.vectors);
    const table = layout && regions.find((region) => region.index === layout.tableBar);
    if (table !== undefined) this.#emulateTable(table, layout!);
  }

  /** Where the emulated table lies. */
  get emulatedTable(): { readonly bar: number; readonly offset: Offset } | undefined {
    const layout = this.msixLayout;
    return layout && { bar: layout.tableBar, offset: layout.tableOffset };
  }

  /** The regions that show the bytes of each BAR, by its index. */
  get layers(): readonly (readonly BarLayer[])[] {
    return Array.from(
      { length: BAR_COUNT },
      (_, index) => this.mmioRegions.find((region) => region.index === index)?.layers ?? [],
    );
  }

  /**
   * Shows the guest what may be mmapped of the BARs, and the other devices too (map_mmio_regions). Whether
   * memory is enabled plays no part.
   *
   * @throws DeviceManagerError at the first call that fails; what was mapped before is still there.
   */
  mapMmioRegions(noMmap: boolean): void {
    const { rules, hostPageSize } = this.#platform;
    for (const region of this.mmioRegions) {
      const { index, start, info } = region;
      if (!info.flags.mmap || (noMmap && rules.excludesMmap)) continue;
      const bar = { index, start, info, layout: this.msixLayout };
      for (const area of generateSparseAreas(bar, rules.hole, hostPageSize)) this.#mapArea(region, area);
    }
  }

  /** Takes away all that is mapped (unmap_mmio_regions). */
  unmapMmioRegions(): void {
    const { vfioOps, userMemory } = this.#platform;
    for (const { userMemoryRegions } of this.mmioRegions) {
      for (const memory of userMemoryRegions.splice(0)) {
        vfioOps.unmap(memory);
        if (userMemory.remove(memory) !== 0) this.#log('Could not remove the userspace memory region');
        userMemory.freeSlot(memory.slot);
      }
    }
  }

  /**
   * Follows a BAR to where it has moved (VfioPciDevice::move_bar). The first call that fails ends it, with
   * the BAR at its new place and its memory in between.
   */
  moveBar(from: bigint, to: bigint): MoveFailure | undefined {
    const { vfioOps, userMemory } = this.#platform;
    for (const region of this.mmioRegions) {
      if (region.start !== from) continue;
      region.start = to;
      for (const memory of region.userMemoryRegions) {
        vfioOps.unmap(memory);
        if (userMemory.remove(memory) !== 0) return 'failed to remove user memory region';
        memory.start += to - from;
        if (userMemory.create(memory) !== 0) return 'failed to create user memory region';
        if (vfioOps.map(memory) !== 0) return 'could not map MMIO region into the host IOMMU address space';
      }
    }
    return undefined;
  }

  #allocateBar(index: number, info: RegionInfo, attributes: BarAttributes, size: Size): MmioRegion {
    const start = this.#platform.allocate(attributes, size);
    if (start === undefined)
      throw new DeviceManagerError(`failed to allocate ${hex(size)} bytes for BAR ${index}`);
    if (!isPowerOfTwo(size)) throw new DeviceManagerError(`invalid size ${hex(size)} of BAR ${index}`);
    this.registers.add(index, attributes.type, size, start);
    const bar = MemoryRegion.io(`${this.name} BAR ${index}`, size, { owner: this.id });
    return {
      index,
      attributes,
      size,
      start,
      bar,
      info,
      userMemoryRegions: [],
      layers: [{ region: bar.name, offset: offset(0n) }],
    };
  }

  /** Accesses to the table go to the VMM's copy of it wherever they exit (msix_table_accessed). */
  #emulateTable({ bar, attributes, size }: MmioRegion, { tableOffset, vectors }: MsixLayout): void {
    if (attributes.type === 'io' || tableOffset >= size) return;
    const table = MemoryRegion.io('msix-table', msixTableSize(vectors), { owner: this.id });
    this.#platform.topology.addSubregion(bar, table, tableOffset);
  }

  #mapArea(region: MmioRegion, area: SparseArea): void {
    const { rules, hostPageSize, userMemory, vfioOps, reserve, emit } = this.#platform;
    const { index, start, bar, userMemoryRegions, layers } = region;
    const length = rules.mmapLength(area, hostPageSize);
    if (length === undefined) {
      const at = hex(area.offset);
      throw new DeviceManagerError(
        `BAR ${index}: sub-page sparse area at non-zero offset ${at} cannot be expanded`,
      );
    }
    const errno = this.#host.mmap(index, { offset: area.offset, size: length });
    emit({ type: 'mmap', device: this.id, bar: index, offset: area.offset, size: length, errno });
    const refuse = (what: string, because: number): never => {
      const at = `offset = ${hex(area.offset)}, size = ${hex(length)}`;
      throw new DeviceManagerError(`BAR ${index}: could not ${what} (${at}): ${errnoName(because)}`);
    };
    if (errno !== 0) refuse('mmap sparse area', errno);
    const backing = MemoryRegion.ramDevice(`${bar.name} mmaps[${userMemoryRegions.length}]`, length, {
      owner: this.id,
      hostAddress: reserve(length, rules.mmapAlignment(length, hostPageSize)),
    });
    const memory = { slot: userMemory.takeSlot(), start: start + area.offset, region: backing };
    const created = userMemory.create(memory);
    if (created !== 0) refuse('create user memory region', created);
    const mapped = vfioOps.map(memory);
    if (mapped !== 0) {
      // The mmap is undone by itself. Nobody takes the slot away: the list of regions does not have it yet.
      userMemory.conceal(memory);
      refuse('map for DMA', mapped);
    }
    userMemoryRegions.push(memory);
    layers.push({ region: backing.name, offset: area.offset });
  }

  #log(text: string): void {
    this.#platform.emit({ type: 'message', text });
  }
}
