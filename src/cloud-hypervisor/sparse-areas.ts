import { alignDown, alignUp, hex, isAligned, offset, type Offset, type Size } from '../address/index.ts';
import { isMsixMappable, type RegionInfo, type SparseArea } from '../host/index.ts';
import { msixTableSize, type MsixLayout } from '../pci-layout/index.ts';
import { DeviceManagerError } from './device-manager-error.ts';
import { pbaRangeSize } from './msix-fix-up.ts';

/** What `generateSparseAreas` has to know of a BAR. */
export interface MappableBar {
  readonly index: number;
  /** Where the guest sees it. */
  readonly start: bigint;
  /** What the host says of the device's BAR. */
  readonly info: RegionInfo;
  /** As the fix-up left it. */
  readonly layout: MsixLayout | undefined;
}

/** A table or PBA, and the bytes of the device's BAR. */
export interface HoleContext {
  readonly regionSize: Size;
  readonly hostPageSize: Size;
}

/** The pages that are kept from the guest because of a table or PBA; nothing when there are none to keep. */
export type HoleRule = (structure: SparseArea, context: HoleContext) => SparseArea | undefined;

/**
 * The hole around a table or PBA: its start rounded down and its length rounded up, each for itself. What
 * does not begin on a page may so end behind its hole (VfioPciDevice::generate_sparse_areas).
 */
export const roundedHole: HoleRule = ({ offset: start, size }, { hostPageSize }) => ({
  offset: alignDown(start, hostPageSize),
  size: alignUp(size, hostPageSize),
});

/** The same, but none where it would begin beyond the device's BAR (pull request 7904). */
export const clampedHole: HoleRule = (structure, context) => {
  const hole = roundedHole(structure, context);
  return hole !== undefined && hole.offset < context.regionSize ? hole : undefined;
};

const FOUR_KIB = 0x1000n;

/**
 * The areas of a BAR that are mmapped (VfioPciDevice::generate_sparse_areas): those of a sparse
 * capability as they are, or all but the holes for table and PBA.
 *
 * @returns nothing for a BAR with table or PBA that the host does not call MSIX_MAPPABLE.
 * @throws DeviceManagerError for a BAR with table or PBA that is not made of 4 KiB pages.
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

/** By rising offset; of two that begin on the same page the PBA's is kept, as in the map that they are put into. */
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

/** What the holes leave of a BAR. That the holes lie in it is not looked at. */
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
