import type { Offset } from '../address/index.ts';
import type { MemoryRegion } from './memory-region.ts';
import { SubregionIndex } from './subregion-index.ts';

/** A region, and its place in the container that it is added to. */
export interface PlacedRegion {
  readonly region: MemoryRegion;
  readonly address: Offset;
  readonly priority: number;
}

/** A container with more children has an index of them. Up to here a plain list is as fast. */
const MOST_IN_LIST = 128;

/** The lists of children, which only this file and the region itself know. */
interface Children {
  subregionList: readonly MemoryRegion[];
  subregionIndex: SubregionIndex<MemoryRegion> | undefined;
}

/**
 * Inserts `region` into the children of `container`, before the first sibling whose priority is not higher
 * (memory_region_update_container_subregions, memory fact 1.5).
 */
export function insertSubregion(container: MemoryRegion, region: MemoryRegion): void {
  const children = container as Children;
  if (children.subregionIndex !== undefined) {
    children.subregionIndex.add(region);
    return;
  }
  const siblings = children.subregionList as MemoryRegion[];
  if (siblings.length === 0) {
    // Regions without subregions share one empty array, so the container gets an array of its own.
    children.subregionList = [region];
    return;
  }
  let position = 0;
  while (position < siblings.length && siblings[position]!.priority > region.priority) position++;
  if (position === 0) siblings.unshift(region);
  else siblings.splice(position, 0, region);
  if (siblings.length <= MOST_IN_LIST) return;
  children.subregionIndex = new SubregionIndex(siblings);
  children.subregionList = [];
}

/** Takes `region` out of the children of `container`. */
export function deleteSubregion(container: MemoryRegion, region: MemoryRegion): void {
  const { subregionIndex, subregionList } = container as Children;
  if (subregionIndex !== undefined) subregionIndex.remove(region);
  else (subregionList as MemoryRegion[]).splice(subregionList.indexOf(region), 1);
}

/** Gives `region` another size. */
export function resizeSubregion(region: MemoryRegion, size: bigint): void {
  const change = (): void => {
    (region as { size: bigint }).size = size;
    (region as { end: bigint }).end = region.address + size;
    if (region.alias !== undefined) (region.alias as { end: bigint }).end = region.alias.offset + size;
  };
  const index = region.container?.subregionIndex;
  if (index === undefined) change();
  else index.resize(region, change);
}
