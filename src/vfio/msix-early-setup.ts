import { alignDown, alignUp, offset, type Size } from '../address/index.ts';
import { msixTableSize, type MsixLayout } from '../pci/index.ts';
import { DeviceRefused } from './failure.ts';
import type { HostDevice } from './host-device.ts';
import type { DeviceRules } from './revision.ts';
import { isMmappedWhole, isMsixMappable, type VfioRegion } from './vfio-region.ts';

/**
 * Reads the device's MSI-X capability and prepares the BAR that holds the table
 * (vfio_msix_early_setup, facts 5.6 to 5.8).
 *
 * @param relocationRequested whether `x-msix-relocation` is set to anything but `off`.
 * @returns the layout to work with, or nothing for a device without MSI-X.
 * @throws DeviceRefused for a capability that this version does not accept.
 */
export function setUpMsixEarly(
  device: HostDevice,
  regions: readonly VfioRegion[],
  rules: DeviceRules,
  hostPageSize: Size,
  relocationRequested: boolean,
): MsixLayout | undefined {
  if (device.msix === undefined) return undefined;
  rules.checkLocation(device.msix);
  const layout = withCorrectPba(device, device.msix, regions, rules, relocationRequested);
  const table = regions[layout.tableBar];
  if (table !== undefined) cutOutMsixPages(table, layout, rules, hostPageSize);
  return layout;
}

function withCorrectPba(
  device: HostDevice,
  layout: MsixLayout,
  regions: readonly VfioRegion[],
  rules: DeviceRules,
  relocationRequested: boolean,
): MsixLayout {
  const pbaBarSize = regions[layout.pbaBar]?.regionSize ?? 0n;
  if (layout.pbaOffset < pbaBarSize) return layout;
  const corrected = rules.correctPbaOffset(device.vendor, device.device);
  if (corrected !== undefined) return { ...layout, pbaOffset: corrected };
  if (relocationRequested && rules.toleratesPbaBeyondBarWhenRelocated) return layout;
  throw new DeviceRefused('hardware reports invalid configuration, MSIX PBA outside of specified BAR');
}

/**
 * Takes the host pages with the table out of a BAR that is one whole mmap, unless the host lets them
 * be mmapped (vfio_pci_fixup_msix_region, fact 5.8). The PBA and the IOMMU's pages play no part.
 */
function cutOutMsixPages(
  region: VfioRegion,
  { tableOffset, vectors }: MsixLayout,
  rules: DeviceRules,
  hostPageSize: Size,
): void {
  if (isMsixMappable(region.info) && rules.honoursMsixMappable) return;
  if (!isMmappedWhole(region)) return;
  const whole = region.mmaps[0]!;
  const size = region.regionSize;
  const start = alignDown(tableOffset, hostPageSize);
  const end = alignUp(offset(tableOffset + msixTableSize(vectors)), hostPageSize);
  const before = { ...whole, size: start };
  const behind = { ...whole, offset: end, size: size - end };
  if (start === 0n) region.mmaps = end >= size ? [] : [behind];
  else region.mmaps = end >= size ? [before] : [before, behind];
}
