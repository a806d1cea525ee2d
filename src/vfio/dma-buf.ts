import { offset, totalSize, type Offset } from '../address/index.ts';
import { dmaBufPart, type DmaBufPart, type SparseArea } from '../host/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { DeviceRules } from './device-rules.ts';

/** An area of a BAR, and all areas of the dma-buf that it is exported in. The dma-buf has them one after the other. */
export interface ExportedArea {
  readonly area: SparseArea;
  readonly areas: readonly SparseArea[];
}

/**
 * The ram_device regions of which QEMU has a dma-buf. QEMU keeps the descriptor in the RAM block of the region
 * (vfio_region_mmap of QEMU 11).
 */
const exported = new WeakMap<MemoryRegion, ExportedArea>();

/** Notes that QEMU has a dma-buf of the region. */
export const noteDmaBuf = (region: MemoryRegion, area: ExportedArea): void => void exported.set(region, area);

/** The exported area that the region shows; `undefined` if QEMU has no dma-buf of the region. */
export const dmaBufOf = (region: MemoryRegion): ExportedArea | undefined => exported.get(region);

/**
 * The part of a dma-buf that QEMU asks the kernel to map for a piece of an area.
 *
 * @param at where the piece begins in its area.
 * @returns the part, and where in the area the bytes begin that the part holds: `at`, if QEMU counts as the kernel does.
 */
export function partOfDmaBuf(
  { area, areas }: ExportedArea,
  at: Offset,
  { dmaBufStart }: Pick<DeviceRules, 'dmaBufStart'>,
): { readonly part: DmaBufPart; readonly mapped: Offset } {
  const before = totalSize(areas.slice(0, areas.indexOf(area)));
  const start = dmaBufStart(area, at, before);
  return {
    part: dmaBufPart(areas, start),
    mapped: offset(start - before),
  };
}
