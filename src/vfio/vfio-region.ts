import { offset, type HostAddress, type Offset, type Size } from '../address/index.ts';
import { sparseMmapAreas, type RegionInfo, type SparseArea } from '../host/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import type { BarAttributes } from '../pci-layout/index.ts';

/** An area of a BAR that the VMM mmaps (QEMU's `VFIOMmap`). */
export interface VfioMmap {
  readonly offset: Offset;
  readonly size: Size;
  /** The ram_device region of the area; `undefined` until the mmap has succeeded. */
  readonly region: MemoryRegion | undefined;
}

/** A BAR as the VMM keeps it (QEMU's `VFIOBAR` and `VFIORegion`). */
export interface VfioRegion {
  readonly index: number;
  readonly info: RegionInfo;
  /** Bytes of the device's BAR; 0 for a BAR that only relocation adds. */
  readonly regionSize: Size;
  /** The io region "NAME BAR n": QEMU carries out each access on the device. */
  readonly bar: MemoryRegion | undefined;
  mmaps: readonly VfioMmap[];
  /** Bytes of the BAR that the guest sees: `regionSize`, or more after relocation. */
  barSize: Size;
  attributes: BarAttributes;
  /** The region registered as PCI BAR: the wrapper "NAME base BAR n", or `bar` itself up to 2.11. */
  base: MemoryRegion | undefined;
}

/** Whether the BAR has exactly one mmap area, and that is the whole BAR. */
export const isMmappedWhole = ({ mmaps, regionSize }: VfioRegion): boolean =>
  mmaps.length === 1 && mmaps[0]!.offset === 0n && mmaps[0]!.size === regionSize;

/** mmaps an area and returns its host address; `undefined` when the host refuses. */
export type MapArea = (area: VfioMmap) => HostAddress | undefined;

/**
 * mmaps all areas of a BAR and makes a ram_device region for each (vfio_region_mmap, vfio fact 5.3). If the
 * host refuses one area, the BAR keeps none, and every access to the BAR is trapped.
 *
 * @param owner id of the device.
 * @param failure what is kept if the host refuses one area.
 * @param unmapArea takes back the mmap of an area that came before the refused one.
 * @param readonly whether the guest and devices may only read the areas.
 * @returns whether the host has mapped all areas.
 */
export function mmapRegion(
  region: VfioRegion,
  owner: string,
  mapArea: MapArea,
  {
    failure,
    unmapArea,
    readonly,
  }: {
    readonly failure: 'no-area' | 'other-areas';
    readonly unmapArea: (area: VfioMmap) => void;
    readonly readonly: boolean;
  },
): boolean {
  const mapped: VfioMmap[] = [];
  for (const [number, area] of region.mmaps.entries()) {
    const hostAddress = mapArea(area);
    if (hostAddress === undefined) {
      if (failure === 'other-areas') continue;
      for (const undone of mapped) unmapArea(undone);
      return false;
    }
    const name = `${region.bar!.name} mmaps[${number}]`;
    mapped.push({
      ...area,
      region: MemoryRegion.ramDevice(name, area.size, { owner, hostAddress, readonly }),
    });
  }
  region.mmaps = mapped;
  return true;
}

/**
 * The mmap areas of a BAR before MSI-X is looked at (vfio_region_setup, vfio fact 5.2).
 *
 * @param honoursFlag whether a BAR that the host does not let be mmapped has none.
 */
export function initialMmaps(
  info: RegionInfo,
  acceptSparseAreas: (areas: readonly SparseArea[]) => readonly SparseArea[] | undefined,
  honoursFlag: boolean,
): readonly VfioMmap[] {
  if ((honoursFlag && !info.flags.mmap) || info.size === 0n) return [];
  const sparse = sparseMmapAreas(info);
  const areas = (sparse && acceptSparseAreas(sparse)) ?? [{ offset: offset(0n), size: info.size }];
  return areas.map((area) => ({ offset: area.offset, size: area.size, region: undefined }));
}
