import { alignDown, alignUp, hex, isAligned, offset, type Offset, type Size } from '../address/index.ts';
import { isMsixMappable, type RegionInfo, type SparseArea } from '../host/index.ts';
import { msixTableSize, type MsixLayout } from '../pci-layout/index.ts';
import { DeviceManagerError } from './device-manager-error.ts';
import { pbaRangeSize } from './msix-fix-up.ts';

/** A BAR, as far as its mmap areas depend on it. */
export interface MappableBar {
  readonly index: number;
  /** The guest address at which the VMM has placed the BAR. */
  readonly start: bigint;
  /** The host's answer about the device's BAR. */
  readonly info: RegionInfo;
  /** The layout after the fix-up; `undefined` without MSI-X. */
  readonly layout: MsixLayout | undefined;
}

/** The sizes that a hole depends on. */
export interface HoleContext {
  /** Bytes of the device's BAR. */
  readonly regionSize: Size;
  readonly hostPageSize: Size;
}

/**
 * The pages that the VMM does not mmap because of a table or PBA; `undefined` if it mmaps all.
 *
 * @param structure offset and bytes of the table or PBA.
 */
export type HoleRule = (structure: SparseArea, context: HoleContext) => SparseArea | undefined;

/**
 * The hole around a table or PBA: the start rounded down and the length rounded up, independently. So a
 * structure off the page may end behind its hole (VfioPciDevice::generate_sparse_areas).
 */
export const roundedHole: HoleRule = ({ offset: start, size }, { hostPageSize }) => ({
  offset: alignDown(start, hostPageSize),
  size: alignUp(size, hostPageSize),
});

/** The same hole, unless it begins beyond the device's BAR (pull request 7904). */
export const clampedHole: HoleRule = (structure, context) => {
  const hole = roundedHole(structure, context);
  return hole !== undefined && hole.offset < context.regionSize ? hole : undefined;
};

const FOUR_KIB = 0x1000n;

/**
 * The areas of a BAR that the VMM mmaps (VfioPciDevice::generate_sparse_areas): those of a SPARSE_MMAP
 * capability as the host reports them, or the BAR without the holes for table and PBA.
 *
 * @returns no areas for a BAR with table or PBA that the host does not report as MSIX_MAPPABLE.
 * @throws DeviceManagerError for a BAR with table or PBA that does not begin and end on 4 KiB pages.
 */
export function generateSparseAreas(
  bar: MappableBar,
  hole: HoleRule,
  hostPageSize: Size,
): readonly SparseArea[] {
  const { index, start, info, layout } = bar;
  const { size, capabilities } = info;
  const holdsMsix = layout?.tableBar === index || layout?.pbaBar === index;
  if (holdsMsix && !isMsixMappable(info)) return [];
  for (const capability of capabilities) {
    if (capability.id === 1) return capability.areas;
    if (!isAligned(start, FOUR_KIB))
      throw new DeviceManagerError(`region start address ${hex(start)} must be at least aligned on 4KiB`);
    if (!isAligned(size, FOUR_KIB))
      throw new DeviceManagerError(`region size ${hex(size)} must be at least a multiple of 4KiB`);
    return areasAround(holesOf(bar, hole, hostPageSize), size, hostPageSize);
  }
  return [{ offset: offset(0n), size }];
}

/**
 * The holes of a BAR by rising offset. Of two holes at the same offset, that of the PBA replaces the
 * table's.
 */
function holesOf({ index, info, layout }: MappableBar, hole: HoleRule, hostPageSize: Size): SparseArea[] {
  const holes = new Map<Offset, SparseArea>();
  if (layout === undefined) return [];
  const { vectors, tableBar, tableOffset, pbaBar, pbaOffset } = layout;
  const structures = [
    { bar: tableBar, offset: tableOffset, size: msixTableSize(vectors) },
    { bar: pbaBar, offset: pbaOffset, size: pbaRangeSize(vectors) },
  ];
  for (const structure of structures) {
    if (structure.bar !== index) continue;
    const found = hole(structure, { regionSize: info.size, hostPageSize });
    if (found !== undefined) holes.set(found.offset, found);
  }
  return [...holes.values()].toSorted((a, b) => (a.offset < b.offset ? -1 : 1));
}

/** The areas of a BAR between the holes. The VMM does not test whether a hole lies in the BAR. */
function areasAround(holes: readonly SparseArea[], regionSize: Size, hostPageSize: Size): SparseArea[] {
  const areas: SparseArea[] = [];
  let current = offset(0n);
  for (const hole of holes) {
    if (hole.offset > current) areas.push({ offset: current, size: hole.offset - current });
    current = alignDown(offset(hole.offset + hole.size), hostPageSize);
  }
  if (regionSize > current) areas.push({ offset: current, size: regionSize - current });
  return areas;
}
