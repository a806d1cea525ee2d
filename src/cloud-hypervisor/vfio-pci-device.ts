import { hex, isPowerOfTwo, offset, type HostAddress, type Offset, type Size } from '../address/index.ts';
import { errnoName, type RegionInfo, type SparseArea } from '../host/index.ts';
import { MemoryRegion, type MemoryTopology } from '../memory/index.ts';
import { MsixState } from '../pci/index.ts';
import { BAR_COUNT, msixTableSize, type BarAttributes, type MsixLayout } from '../pci-layout/index.ts';
import type { BarLayer, EventSink, HostDevice } from '../vfio/index.ts';
import { BarRegisters } from './bar-registers.ts';
import { DeviceManagerError } from './device-manager-error.ts';
import type { CloudHypervisorRules } from './revision.ts';
import { generateSparseAreas } from './sparse-areas.ts';
import type { UserMemory, UserMemoryRegion } from './user-memory.ts';
import type { VfioOps } from './vfio-ops.ts';

/** What a device gets from the VMM. */
export interface DevicePlatform {
  readonly rules: CloudHypervisorRules;
  readonly hostPageSize: Size;
  readonly topology: MemoryTopology;
  readonly userMemory: UserMemory;
  readonly vfioOps: VfioOps;
  /** Takes guest addresses for a BAR; `undefined` if no gap is large enough. */
  readonly allocate: (attributes: BarAttributes, size: Size) => bigint | undefined;
  /** Reserves `size` bytes of the VMM's address space, at a multiple of `alignment` bytes. */
  readonly reserve: (size: Size, alignment: Size) => HostAddress;
  readonly emit: EventSink;
}

/** A BAR as the VMM keeps it (MmioRegion). */
export interface MmioRegion {
  readonly index: number;
  readonly attributes: BarAttributes;
  /** Bytes of the BAR that the guest sees: the device's, or more after the fix-up. */
  readonly size: Size;
  /** The guest address at which the VMM takes the BAR to be. */
  start: bigint;
  /** The io region that shows where no slot is: the VMM carries out each access on the device. */
  readonly bar: MemoryRegion;
  readonly info: RegionInfo;
  readonly userMemoryRegions: UserMemoryRegion[];
  /** The regions that show the BAR's bytes, outermost first. */
  readonly layers: BarLayer[];
}

/** Why a move of a BAR failed (an io::Error). */
export type MoveFailure = string;

/** A passed-through device (pci/src/vfio.rs: VfioPciDevice). */
export class VfioPciDevice {
  readonly id: string;
  readonly name: string;
  readonly registers: BarRegisters;
  readonly mmioRegions: readonly MmioRegion[];
  /** The layout in the capability that the guest reads; `undefined` without MSI-X. */
  readonly msixLayout: MsixLayout | undefined;
  readonly msixState: MsixState | undefined;
  memoryEnabled = false;
  readonly #host: HostDevice;
  readonly #platform: DevicePlatform;

  /**
   * Finds the BARs and takes guest addresses for each (VfioCommon::allocate_bars). Nothing is mapped yet.
   *
   * @throws DeviceManagerError if no gap is large enough for a BAR, or its size is no power of two.
   */
  constructor(id: string, host: HostDevice, platform: DevicePlatform) {
    this.id = id;
    this.name = host.name;
    this.#host = host;
    this.#platform = platform;
    this.registers = new BarRegisters(platform.rules.isProbe);
    let layout = host.msix;
    const regions: MmioRegion[] = [];
    for (let index = 0; index < BAR_COUNT; index++) {
      const info = host.region(index);
      if (info.size === 0n) continue;
      const attributes = platform.rules.barAttributes(host.barAttributes(index), index);
      let size = platform.rules.barSize(info.size, index);
      if (attributes.type === 'mem64' && layout !== undefined) {
        ({ size, layout } = platform.rules.fixUpMsix(layout, index, size, platform.hostPageSize));
      }
      regions.push(this.#allocateBar(index, info, attributes, size));
    }
    this.mmioRegions = regions;
    this.msixLayout = layout;
    this.msixState = layout && new MsixState(layout.vectors);
    const table = layout && regions.find((region) => region.index === layout.tableBar);
    if (table !== undefined && platform.rules.emulatesTable) this.#emulateTable(table, layout!);
  }

  /** Where the emulated table lies; `undefined` without MSI-X. */
  get emulatedTable(): { readonly bar: number; readonly offset: Offset } | undefined {
    const layout = this.msixLayout;
    return layout && { bar: layout.tableBar, offset: layout.tableOffset };
  }

  /** For each BAR index, the regions that show the BAR's bytes, outermost first. */
  get layers(): readonly (readonly BarLayer[])[] {
    return Array.from(
      { length: BAR_COUNT },
      (_, index) => this.mmioRegions.find((region) => region.index === index)?.layers ?? [],
    );
  }

  /**
   * mmaps the areas of the BARs and maps them for the guest and for DMA (map_mmio_regions), whether or not
   * memory is enabled.
   *
   * @param noMmap whether the user excludes the device's BARs from mmap.
   * @throws DeviceManagerError at the first call that fails. Areas mapped before stay mapped.
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

  /** Unmaps all areas from DMA and from the guest (unmap_mmio_regions). */
  unmapMmioRegions(): void {
    const { vfioOps, userMemory, rules } = this.#platform;
    for (const mmio of this.mmioRegions) {
      const removed = mmio.userMemoryRegions.splice(0, rules.removesAreas === 'all' ? Infinity : 1);
      for (const memory of removed) {
        for (const part of rules.removes) {
          if (part === 'mmaps') this.#unmapArea(mmio, memory);
          else if (part === 'dma-mappings') vfioOps.unmap(memory);
          else this.#removeSlot(memory);
        }
        if (!rules.removes.includes('slots')) userMemory.conceal(memory);
      }
    }
  }

  #removeSlot(memory: UserMemoryRegion): void {
    const { userMemory } = this.#platform;
    if (userMemory.remove(memory) !== 0) this.#log('Could not remove the userspace memory region');
    userMemory.freeSlot(memory.slot);
  }

  /**
   * Maps the areas of a moved BAR at their new addresses (VfioPciDevice::move_bar). The first call that
   * fails ends the move: the BAR is then at its new place, and its areas are partly moved.
   */
  moveBar(from: bigint, to: bigint): MoveFailure | undefined {
    for (const region of this.mmioRegions) {
      if (region.start !== from) continue;
      region.start = to;
      for (const memory of region.userMemoryRegions) {
        const failure = this.#moveArea(memory, to - from);
        if (failure !== undefined) return failure;
      }
    }
    return undefined;
  }

  #moveArea(memory: UserMemoryRegion, by: bigint): MoveFailure | undefined {
    const { vfioOps, userMemory, rules } = this.#platform;
    const old = { ...memory };
    const moved = { ...memory, start: memory.start + by };
    for (const step of rules.moveSteps) {
      if (step === 'unmap-dma') vfioOps.unmap(old);
      if (step === 'remove-slot' && userMemory.remove(old) !== 0)
        return 'failed to remove user memory region';
      if (step === 'create-slot') {
        // A slot that is not removed first is moved by KVM; its region is still in the memory map.
        userMemory.conceal(memory);
        memory.start = moved.start;
        if (userMemory.create(memory) !== 0) return 'failed to create user memory region';
      }
      if (step === 'map-dma' && rules.mapsDeviceMemory && vfioOps.map(moved) !== 0)
        return 'could not map MMIO region into the host IOMMU address space';
    }
    memory.start = moved.start;
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

  /** Routes trapped accesses to the table to the VMM's emulated table (msix_table_accessed). */
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
    const undo = (): void =>
      emit({ type: 'munmap', device: this.id, bar: index, offset: area.offset, size: length });
    const created = userMemory.create(memory);
    if (created !== 0) {
      undo();
      refuse('create user memory region', created);
    }
    const mapped = rules.mapsDeviceMemory ? vfioOps.map(memory) : 0;
    if (mapped !== 0 && rules.mapFailure === 'device-refused') {
      // cloud-hypervisor undoes the mmap and leaves the slot: its list of regions does not have the area yet.
      userMemory.conceal(memory);
      undo();
      refuse('map for DMA', mapped);
    }
    userMemoryRegions.push(memory);
    layers.push({ region: backing.name, offset: area.offset });
  }

  /** Takes back the mmap of an area. */
  #unmapArea({ index, layers }: MmioRegion, { region }: UserMemoryRegion): void {
    const at = layers.find((layer) => layer.region === region.name)?.offset ?? offset(0n);
    this.#platform.emit({ type: 'munmap', device: this.id, bar: index, offset: at, size: region.size });
  }

  #log(text: string): void {
    this.#platform.emit({ type: 'message', text });
  }
}
