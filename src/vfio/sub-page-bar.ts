import type { PciBar, PciFunction } from '../pci/index.ts';
import type { DeviceEnvironment } from './device-environment.ts';
import { isMmappedWhole, type VfioRegion } from './vfio-region.ts';

/**
 * Stretches a BAR smaller than a host page to a whole page while the BAR is mapped at a page boundary, so
 * that KVM can map the BAR directly. Elsewhere the BAR gets its own size back
 * (vfio_sub_page_bar_update_mapping, vfio fact 5.9). Runs after the BAR has moved.
 *
 * QEMU's wrapper region only grows: once stretched, it stays a page long. A stretched BAR has a lower
 * priority than other BARs, so it yields to a BAR that lies in the same page.
 * QEMU stretches only a BAR with one area for all of it.
 */
export function updateSubPageBar(
  pci: PciFunction,
  bar: PciBar,
  region: VfioRegion,
  { bus, rules, hostPageSize }: Pick<DeviceEnvironment, 'bus' | 'rules' | 'hostPageSize'>,
): void {
  const { topology } = bus;
  const mmap = region.mmaps[0]?.region;
  if (!isMmappedWhole(region) || mmap === undefined) return;
  const { address, region: base } = bar;
  const { barSize, regionSize } = region;
  const size = rules.subPageSize(regionSize, address, hostPageSize);
  topology.begin();
  if (barSize < size) topology.setSize(base, size);
  else if (rules.wrapperShrinks) topology.setSize(base, barSize);
  // Up to 2.11 this region is the base region as well.
  topology.setSize(region.bar!, size);
  topology.setSize(mmap, size);
  if (size !== barSize && address !== undefined) {
    topology.removeSubregion(base);
    pci.mapBar(bar, address, rules.stretchedPriority);
  }
  topology.commit();
}
