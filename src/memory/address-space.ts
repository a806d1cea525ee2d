import { FlatView } from './flat-view.ts';
import type { MemoryListener } from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';

/** A region tree as seen by one kind of master: CPUs, a PCI device, the I/O ports (QEMU's `AddressSpace`). */
export class AddressSpace {
  readonly name: string;
  readonly root: MemoryRegion;
  /** Spaces with the same effective root share the same object (memory fact 2.8). */
  readonly view: FlatView = FlatView.empty;
  /** By rising priority; equal ones in the order of their registration (memory fact 3.2). */
  readonly listeners: readonly MemoryListener[] = [];

  constructor(name: string, root: MemoryRegion) {
    this.name = name;
    this.root = root;
  }
}

/**
 * The region whose rendering an address space with this root shows: aliases of a whole region and
 * containers with a single enabled child stand for what they hold (memory_region_get_flatview_root,
 * memory fact 2.8).
 *
 * @returns nothing where the view is empty.
 */
export function effectiveRoot(root: MemoryRegion): MemoryRegion | undefined {
  let region = root;
  while (region.enabled) {
    const { alias } = region;
    if (alias !== undefined) {
      if (alias.offset !== 0n || region.size < alias.region.size) return region;
      region = alias.region;
      continue;
    }
    if (region.terminates) return region;
    const first = region.subregions.findIndex((child) => child.enabled);
    const only = region.subregions[first];
    if (only === undefined) return undefined;
    if (only.address !== 0n || only.size > region.size) return region;
    for (let index = first + 1; index < region.subregions.length; index++) {
      if (region.subregions[index]!.enabled) return region;
    }
    region = only;
  }
  return undefined;
}
