/** Hosts, sections and devices made by hand, for the tests of src/vfio alone. */
import {
  END_OF_SPACE,
  hex,
  hostAddress,
  offset,
  pageSizeBitmap,
  type HostAddress,
  type Iova,
  type Size,
} from '../../address/index.ts';
import type {
  DmaMapRequest,
  DmaMapping,
  Errno,
  IommuContainer,
  RegionCapability,
  SparseArea,
  UnmapResult,
} from '../../host/index.ts';
import { FlatRange, MemoryRegion, MemoryTopology, type MemoryRegionSection } from '../../memory/index.ts';
import type { PciBus } from '../../pci/index.ts';
import type { BarAttributes, MsixLayout } from '../../pci-layout/index.ts';
import type { VmmEvent } from '../event.ts';
import type { HostDevice } from '../host-device.ts';
import { findRevision, type Revision } from '../index.ts';
import type { DeviceEnvironment } from '../device-environment.ts';
import type { DeviceOptions } from '../device-options.ts';
import { VfioDevice } from '../vfio-device.ts';

export const P4K = 0x1000n;
export const P16K = 0x4000n;
export const P64K = 0x1_0000n;

/** The revision with this id. The caller names one that exists. */
export const revision = (id: string): Revision => findRevision(id)!;

/** A host that notes the calls of a listener and gives the answers that the test sets. */
export class RecordingIommu implements IommuContainer {
  readonly pageSizes: bigint;
  /** `map 0x0 0x1000 rw`, `unmap 0x0 0x1000`. */
  readonly calls: string[] = [];
  readonly requests: DmaMapRequest[] = [];
  /** The answer to a map request; success by default. */
  answer: (request: DmaMapRequest) => Errno = () => 0;
  /** The answer to an unmap request; by default success, with all bytes unmapped. */
  unmapAnswer: (iova: Iova, size: Size) => UnmapResult = (_, size) => ({ errno: 0, unmapped: size });

  constructor(...sizes: bigint[]) {
    this.pageSizes = pageSizeBitmap(sizes.length > 0 ? sizes : [P4K]);
  }

  map(request: DmaMapRequest): Errno {
    const { iova, size, readonly } = request;
    this.calls.push(`map ${hex(iova)} ${hex(size)} ${readonly ? 'ro' : 'rw'}`);
    this.requests.push(request);
    return this.answer(request);
  }

  unmap(iova: Iova, size: Size): UnmapResult {
    this.calls.push(`unmap ${hex(iova)} ${hex(size)}`);
    return this.unmapAnswer(iova, size);
  }

  mappings(): readonly DmaMapping[] {
    return [];
  }

  /** The calls since the last call of this method. */
  take(): string[] {
    return this.calls.splice(0);
  }
}

/** A sink that keeps the events emitted into it. */
export function eventLog() {
  const events: VmmEvent[] = [];
  return {
    events,
    emit: (event: VmmEvent): void => {
      events.push(event);
    },
    take: (): VmmEvent[] => events.splice(0),
    messages: (): string[] => events.flatMap((event) => (event.type === 'message' ? [event.text] : [])),
  };
}

const BACKING = hostAddress(0x7f00_0000_0000n);

export const ram = (name = 'ram', size = 1n << 40n): MemoryRegion =>
  MemoryRegion.ram(name, size, { hostAddress: BACKING });
export const ramDevice = (name = 'bar', size = 1n << 40n): MemoryRegion =>
  MemoryRegion.ramDevice(name, size, { owner: 'dev0', hostAddress: BACKING });

/**
 * A section of `size` bytes at `start`; its offset in the region is `start` unless the caller gives
 * another.
 */
export const sectionOf = (
  region: MemoryRegion,
  start: bigint,
  size: bigint,
  at: bigint = start,
  readonly = false,
): MemoryRegionSection =>
  new FlatRange(start, start + size, region, offset(at), {
    readonly,
    nonvolatile: false,
    unmergeable: false,
  });

/** A BAR of a device made by hand. */
export interface FakeBar {
  readonly size: bigint;
  readonly attributes?: BarAttributes;
  readonly mmap?: boolean;
  /** Whether the host lets the BAR be written; true when left out. */
  readonly writable?: boolean;
  readonly sparse?: readonly (readonly [offset: bigint, size: bigint])[];
  readonly msixMappable?: boolean;
}

export const MEM32: BarAttributes = { type: 'mem32', prefetchable: false };
export const MEM64: BarAttributes = { type: 'mem64', prefetchable: false };
export const IO: BarAttributes = { type: 'io', prefetchable: false };

export interface FakeDevice {
  readonly bars: Readonly<Record<number, FakeBar>>;
  readonly msix?: readonly [vectors: number, tableBar: number, table: bigint, pbaBar: number, pba: bigint];
  readonly vendor?: number;
  readonly device?: number;
  readonly isVga?: boolean;
  /** Whether the host refuses the mmap of an area; by default it refuses none. */
  readonly refusesMmap?: (bar: number, area: SparseArea) => boolean;
  readonly exportDmaBuf?: HostDevice['exportDmaBuf'];
}

export const layoutOf = ([vectors, tableBar, table, pbaBar, pba]: NonNullable<
  FakeDevice['msix']
>): MsixLayout => ({ vectors, tableBar, tableOffset: offset(table), pbaBar, pbaOffset: offset(pba) });

const EINVAL = 22;

/** The device as its host reports it. */
export function hostDevice(fake: FakeDevice): HostDevice {
  const { bars, msix, vendor = 0, device = 0, isVga = false, refusesMmap = () => false } = fake;
  return {
    name: 'nic',
    vendor,
    device,
    isVga,
    configSize: 0x1000n,
    msix: msix && layoutOf(msix),
    region: (index) => {
      const { size = 0n, mmap = true, writable = true, sparse, msixMappable } = bars[index] ?? {};
      const capabilities: RegionCapability[] = [];
      if (sparse !== undefined) {
        capabilities.push({
          id: 1,
          areas: sparse.map(([at, bytes]) => ({ offset: offset(at), size: bytes })),
        });
      }
      if (msixMappable === true) capabilities.push({ id: 3 });
      const present = size > 0n;
      const flags = { read: present, write: present && writable, mmap: present && mmap };
      return { size, flags, capabilities };
    },
    barAttributes: (index) => bars[index]?.attributes ?? MEM64,
    mmap: (index, area) => (refusesMmap(index, area) ? EINVAL : 0),
    ...(fake.exportDmaBuf && { exportDmaBuf: fake.exportDmaBuf }),
  };
}

/** Revision, options and environment of a plugged device; each has a default. */
export interface Bench extends Partial<Omit<DeviceEnvironment, 'bus' | 'emit' | 'rules'>> {
  readonly revision?: Revision;
  readonly options?: Partial<DeviceOptions>;
  readonly addressZeroAllowed?: boolean;
}

/** Plugs a device into a bus of its own; `view` prints the flat view of the bus. */
export function plug(fake: FakeDevice, bench: Bench = {}) {
  const { revision: of = revision('qemu-11.1'), options, addressZeroAllowed = false, ...environment } = bench;
  const topology = new MemoryTopology();
  const memory = MemoryRegion.container('pci', END_OF_SPACE);
  const space = topology.createAddressSpace('memory', memory);
  const io = MemoryRegion.container('io', P64K);
  topology.createAddressSpace('I/O', io);
  const bus: PciBus = { topology, memory, io, dmaSpace: space, addressZeroAllowed };
  const log = eventLog();
  const reserved: [size: Size, alignment: Size][] = [];
  const reserve = (size: Size, alignment: Size): HostAddress => {
    reserved.push([size, alignment]);
    return hostAddress(BACKING + BigInt(reserved.length) * (1n << 36n));
  };
  const device = new VfioDevice(
    'dev0',
    hostDevice(fake),
    { msixRelocation: 'off', noMmap: false, noMsixEmulation: undefined, ...options },
    {
      bus,
      rules: of.device,
      hostPageSize: P4K,
      machineOptsOutOfMsixEmulation: false,
      vfioUser: false,
      romfileRegion: of.romfileRegion,
      reserve,
      emit: log.emit,
      ...environment,
    },
  );
  /** The flat ranges of the device: `d0000000+1000 ramd nic BAR 0 mmaps[0] @0`. */
  const view = (): string[] =>
    space.view.ranges.map(({ start, end, region, offset: at }) => {
      const kind = region.kind === 'ram-device' ? 'ramd' : 'io';
      return `${start.toString(16)}+${(end - start).toString(16)} ${kind} ${region.name} @${at.toString(16)}`;
    });
  return { device, topology, space, bus, log, reserved, view };
}
