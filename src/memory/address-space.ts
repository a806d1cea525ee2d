import { ChangedStretches } from './changed-stretches.ts';
import { FlatView } from './flat-view.ts';
import type { MemoryListener } from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';

/** A region tree as one kind of requester sees it: CPUs, a PCI device, the I/O ports (QEMU's `AddressSpace`). */
export class AddressSpace {
  readonly name: string;
  readonly root: MemoryRegion;
  /** Spaces with the same effective root share one view, the same object (memory fact 2.8). */
  readonly view: FlatView = FlatView.empty;
  /** By ascending priority; listeners with equal priority in the order of their registration (memory fact 3.2). */
  readonly listeners: readonly MemoryListener[] = [];

  /** Where the view has changed since the caller last took the stretches. */
  readonly changed = new ChangedStretches();

  constructor(name: string, root: MemoryRegion) {
    this.name = name;
    this.root = root;
  }
}

/**
 * The region that QEMU renders for an address space with this root. An alias of a whole region is
 * replaced by its target, and a container with a single enabled child by that child
 * (memory_region_get_flatview_root, memory fact 2.8).
 *
 * @returns `undefined` if the view is empty.
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
    const only = onlyEnabledChild(region);
    if (only === undefined) return undefined;
    if (only === 'several' || only.address !== 0n || only.size > region.size) return region;
    region = only;
  }
  return undefined;
}

/** The only enabled child of a container, `several` if it has more than one, `undefined` if it has no enabled child. */
function onlyEnabledChild({
  subregionList,
  subregionIndex,
}: MemoryRegion): MemoryRegion | 'several' | undefined {
  if (subregionIndex !== undefined) return subregionIndex.onlyEnabled();
  let only: MemoryRegion | undefined;
  for (const child of subregionList) {
    if (!child.enabled) continue;
    if (only !== undefined) return 'several';
    only = child;
  }
  return only;
}
