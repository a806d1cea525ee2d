import type { Size } from '../address/index.ts';
import type { MemoryTopology } from '../memory/index.ts';
import type { PciBar, PciFunction } from '../pci/index.ts';
import type { DeviceRules } from './revision.ts';
import { isMmappedWhole, type VfioRegion } from './vfio-region.ts';

/**
 * Stretches a BAR smaller than a page to a whole page while it is mapped at a page boundary, so
 * that it can be mapped directly, and takes the stretching back elsewhere
 * (vfio_sub_page_bar_update_mapping, vfio fact 5.9). Runs after the BAR has moved.
 *
 * In QEMU the wrapper region only ever grows: once stretched it stays a page long. A stretched BAR
 * has a lower priority and so yields to whatever else lies in the page.
 *
 * @returns whether the BAR was one that can be stretched.
 */
export function updateSubPageBar(
  topology: MemoryTopology,
  pci: PciFunction,
  bar: PciBar,
  region: VfioRegion,
  { subPageSize, stretchedPriority, wrapperShrinks }: DeviceRules,
  hostPageSize: Size,
): boolean {
  const { base, bar: regionBar, barSize, regionSize } = region;
  const mmap = region.mmaps[0]?.region;
  if (!isMmappedWhole(region) || mmap === undefined || base === undefined || regionBar === undefined)
    return false;
  const { address } = bar;
  const size = subPageSize(regionSize, address, hostPageSize);
  topology.begin();
  if (base !== regionBar && barSize < size) topology.setSize(base, size);
  else if (base !== regionBar && wrapperShrinks) topology.setSize(base, barSize);
  topology.setSize(regionBar, size);
  topology.setSize(mmap, size);
  if (size !== barSize && base.container !== undefined) {
    topology.removeSubregion(base);
    pci.mapBar(bar, address!, stretchedPriority);
  }
  topology.commit();
  return true;
}
