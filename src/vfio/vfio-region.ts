import { offset, type HostAddress, type Offset, type Size } from '../address/index.ts';
import { sparseMmapAreas, type RegionInfo, type SparseArea } from '../host/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import type { BarAttributes } from '../pci-layout/index.ts';

/** An area of a BAR that is to be, or has been, mmapped into the VMM. */
export interface VfioMmap {
  readonly offset: Offset;
  readonly size: Size;
  /** The ram-device region over the area, once the mmap has succeeded. */
  readonly region: MemoryRegion | undefined;
}

/** A BAR as the VMM keeps it (QEMU's `VFIOBAR` and `VFIORegion`). */
export interface VfioRegion {
  readonly index: number;
  readonly info: RegionInfo;
  /** Bytes of the device's BAR; 0 for one that only relocation adds. */
  readonly regionSize: Size;
  /** "NAME BAR n": every access to it is carried out on the device by the VMM. */
  readonly bar: MemoryRegion | undefined;
  mmaps: readonly VfioMmap[];
  /** Bytes of the BAR that the guest sees: the region's, or more after relocation. */
  barSize: Size;
  attributes: BarAttributes;
  /** The region registered as PCI BAR: the wrapper "NAME base BAR n", or `bar` itself in old versions. */
  base: MemoryRegion | undefined;
}

/** Whether the BAR has exactly one mmap area and it is the whole region. */
export const isMmappedWhole = ({ mmaps, regionSize }: VfioRegion): boolean =>
  mmaps.length === 1 && mmaps[0]!.offset === 0n && mmaps[0]!.size === regionSize;

/** What is asked of the host for each area: its new host address, or nothing when the host refuses. */
export type MapArea = (area: VfioMmap) => HostAddress | undefined;

/**
 * mmaps all areas of a BAR and puts them over it (vfio_region_mmap, vfio fact 5.3). One refusal undoes
 * them all: the BAR then works by trapped accesses alone.
 *
 * @returns whether all areas are mapped.
 */
export function mmapRegion(region: VfioRegion, owner: string, mapArea: MapArea): boolean {
  const mapped: VfioMmap[] = [];
  for (const [number, area] of region.mmaps.entries()) {
    const hostAddress = mapArea(area);
    if (hostAddress === undefined) return false;
    const name = `${region.bar!.name} mmaps[${number}]`;
    mapped.push({ ...area, region: MemoryRegion.ramDevice(name, area.size, { owner, hostAddress }) });
  }
  region.mmaps = mapped;
  return true;
}

/** The areas that early set-up starts from (vfio_region_setup, vfio fact 5.2). */
export function initialMmaps(
  info: RegionInfo,
  acceptSparseAreas: (areas: readonly SparseArea[]) => readonly SparseArea[] | undefined,
): readonly VfioMmap[] {
  if (!info.flags.mmap || info.size === 0n) return [];
  const sparse = sparseMmapAreas(info);
  const areas = (sparse && acceptSparseAreas(sparse)) ?? [{ offset: offset(0n), size: info.size }];
  return areas.map((area) => ({ offset: area.offset, size: area.size, region: undefined }));
}
