import { offset, type HostAddress, type Offset } from '../address/index.ts';
import { Errno, errnoName } from '../host/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import type { PciFunction } from '../pci/index.ts';
import { askHost, injectedMark } from './ask-host.ts';
import type { DeviceEnvironment } from './device-environment.ts';
import { noteDmaBuf } from './dma-buf.ts';
import type { ReleaseReason } from './device-rules.ts';
import { VmmAbort } from './failure.ts';
import type { HostDevice } from './host-device.ts';
import { initialMmaps, mmapRegion, type VfioMmap, type VfioRegion } from './vfio-region.ts';

/** A device while QEMU sets it up. */
export interface DeviceSetUp {
  /** The user's id: `dev0`. */
  readonly id: string;
  readonly host: HostDevice;
  readonly pci: PciFunction;
  readonly environment: DeviceEnvironment;
}

/** A region that shows bytes of a BAR, and the offset in the BAR at which the region begins. */
export interface BarLayer {
  readonly region: string;
  readonly offset: Offset;
}

/** Asks the host about BAR `index` and makes its io region (vfio_region_setup, vfio facts 5.1 and 5.2). */
export function prepareBar(
  { id, host, environment }: DeviceSetUp,
  index: number,
  noMmap: boolean,
): VfioRegion {
  const { rules } = environment;
  const info = host.region(index);
  const { size } = info;
  return {
    index,
    info,
    regionSize: size,
    bar: size === 0n ? undefined : MemoryRegion.io(`${host.name} BAR ${index}`, size, { owner: id }),
    mmaps:
      noMmap && rules.honoursNoMmap
        ? []
        : initialMmaps(info, (areas) => rules.sparseAreas(areas, index), rules.honoursMmapFlag),
    barSize: size === 0n ? size : rules.registeredSize(size, index),
    attributes:
      size === 0n
        ? { type: 'mem32', prefetchable: false }
        : rules.barAttributes(host.barAttributes(index), index),
    base: undefined,
  };
}

/**
 * Makes the wrapper region of a BAR, mmaps its areas and registers the BAR (vfio_bar_register,
 * vfio facts 5.3 and 5.4). A BAR of 0 bytes is left out.
 *
 * @throws VmmAbort where QEMU's PCI core asserts that the BAR's size is a power of two.
 */
export function registerBar(device: DeviceSetUp, region: VfioRegion): void {
  const { id: owner, host, pci, environment } = device;
  const { index, barSize, bar } = region;
  if (barSize === 0n) return;
  const { rules, bus, emit } = environment;
  const { topology } = bus;
  region.base = rules.baseRegion
    ? MemoryRegion.io(`${host.name} base BAR ${index}`, barSize, { owner })
    : bar!;
  if (bar !== undefined) {
    if (bar !== region.base) topology.addSubregion(region.base, bar, offset(0n));
    const isMapped = mmapRegion(region, owner, (area) => mmapArea(device, region, area), {
      failure: rules.mmapFailure,
      unmapArea: (area) => unmapArea(device, index, area, 'refused-area'),
      readonly: rules.honoursWriteFlag && !region.info.flags.write,
    });
    if (!isMapped) {
      emit({ type: 'message', text: `Failed to mmap ${bar.name}. Performance may be slow` });
    } else if (rules.exportsDmaBuf && region.mmaps.length > 0) {
      exportDmaBuf(device, index, bar.name, region.mmaps);
    }
    for (const mmap of region.mmaps) {
      if (mmap.region === undefined) continue;
      topology.addSubregion(rules.mmapParent(region) ?? bar, mmap.region, mmap.offset, rules.mmapPriority);
    }
  }
  try {
    pci.registerBar(index, region.attributes, region.base);
  } catch (error) {
    throw new VmmAbort('bar-size-assertion', (error as Error).message);
  }
}

function mmapArea(
  device: DeviceSetUp,
  { index: bar, info }: VfioRegion,
  area: VfioMmap,
): HostAddress | undefined {
  const { rules, hostPageSize, reserve, emit, faults } = device.environment;
  const mapped = { offset: rules.mmapOffset(area), size: area.size };
  const isWritable = rules.mmapsWritable(info.flags);
  const fault = askHost(faults, 'mmap', { device: device.id });
  const errno = fault || device.host.mmap(bar, mapped, isWritable);
  const shown = mapped.offset === area.offset ? {} : { shownAt: area.offset };
  const permission = isWritable ? {} : { writable: false as const };
  const injected = injectedMark(fault);
  emit({ type: 'mmap', device: device.id, bar, ...mapped, ...shown, ...permission, errno, ...injected });
  return errno === 0 ? reserve(area.size, rules.mmapAlignment(area.size, hostPageSize)) : undefined;
}

type AreaOwner = Pick<DeviceSetUp, 'id' | 'environment'>;

function unmapArea(
  { id, environment }: AreaOwner,
  bar: number,
  { offset: at, size }: VfioMmap,
  why: ReleaseReason,
): void {
  if (!environment.rules.releasesAreas(why)) return;
  environment.emit({ type: 'munmap', device: id, bar, offset: at, size });
}

/** Takes back the mmaps of all BARs (vfio_region_exit). */
export function releaseAreas(owner: AreaOwner, regions: readonly VfioRegion[], why: ReleaseReason): void {
  for (const { index, mmaps } of regions) {
    for (const area of mmaps) if (area.region !== undefined) unmapArea(owner, index, area, why);
  }
}

/**
 * Asks for a dma-buf of the mmapped areas of a BAR (vfio_region_create_dma_buf, vfio fact 5.17). A kernel without
 * dma-bufs of BARs, or a BAR below the page size, leaves iommufd without P2P.
 */
function exportDmaBuf(
  { host, environment }: DeviceSetUp,
  bar: number,
  name: string,
  areas: readonly VfioMmap[],
): void {
  const errno = host.exportDmaBuf?.(bar, areas) ?? Errno.ENOTTY;
  if (errno === 0) {
    for (const area of areas) noteDmaBuf(area.region!, { area, areas });
  } else if (errno !== Errno.ENOTTY) {
    const text = `${name}: dma-buf unavailable, P2P DMA will not work: ${errnoName(errno)}`;
    environment.emit({ type: 'message', text });
  }
}

/** The regions that show the bytes of a BAR, outermost first. */
export function layersOf({ base, bar, mmaps }: VfioRegion): readonly BarLayer[] {
  const layers: BarLayer[] = [];
  if (base !== undefined && base !== bar) layers.push({ region: base.name, offset: offset(0n) });
  if (bar !== undefined) layers.push({ region: bar.name, offset: offset(0n) });
  for (const mmap of mmaps) {
    if (mmap.region !== undefined) layers.push({ region: mmap.region.name, offset: mmap.offset });
  }
  return layers;
}
