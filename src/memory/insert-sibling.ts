import type { MemoryRegion } from './memory-region.ts';

/**
 * Inserts `region` into the children of `container`, before the first sibling whose priority is not higher
 * (memory_region_update_container_subregions, memory fact 1.5).
 */
export function insertSibling(container: MemoryRegion, region: MemoryRegion): void {
  const siblings = container.subregions as MemoryRegion[];
  if (siblings.length === 0) {
    // Regions without subregions share one empty array, so the container gets an array of its own.
    (container as { subregions: readonly MemoryRegion[] }).subregions = [region];
    return;
  }
  let position = 0;
  while (position < siblings.length && siblings[position]!.priority > region.priority) position++;
  if (position === 0) siblings.unshift(region);
  else siblings.splice(position, 0, region);
}

/** Inserts many regions as `insertSibling` does from the last to the first: of the same priority, the first is on top. */
export function insertSiblings(container: MemoryRegion, regions: readonly MemoryRegion[]): void {
  // The sort is stable, so that a region that is there already stays behind the new ones of its priority.
  const siblings = [...regions, ...container.subregions].toSorted((a, b) => b.priority - a.priority);
  (container as { subregions: readonly MemoryRegion[] }).subregions = siblings;
}
