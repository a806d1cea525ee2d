import { alignDown, alignUp, offset, type Size } from '../address/index.ts';
import { isMsixMappable, type SparseArea } from '../host/index.ts';
import { msixTableSize, type MsixLayout } from '../pci-layout/index.ts';
import { DeviceRefused } from './failure.ts';
import type { HostDevice } from './host-device.ts';
import type { DeviceRules, FixUpContext } from './revision.ts';
import type { VfioRegion } from './vfio-region.ts';

/**
 * Reads the device's MSI-X capability (vfio_msix_early_setup, vfio facts 5.6 and 5.7).
 *
 * @param relocationRequested whether `x-msix-relocation` is set to anything but `off`.
 * @returns the layout to work with, or nothing for a device without MSI-X.
 * @throws DeviceRefused for a capability that this version does not accept.
 */
export function setUpMsixEarly(
  device: HostDevice,
  regions: readonly VfioRegion[],
  rules: DeviceRules,
  relocationRequested: boolean,
): MsixLayout | undefined {
  if (device.msix === undefined) return undefined;
  rules.checkLocation(device.msix);
  return withCorrectPba(device, device.msix, regions, rules, relocationRequested);
}

/**
 * Takes out of the mmap areas of the table's BAR what may not be mmapped, unless the host lets all of
 * it be (vfio_pci_fixup_msix_region, vfio fact 5.8).
 */
export function fixUpMsixAreas(
  regions: readonly VfioRegion[],
  layout: MsixLayout,
  rules: DeviceRules,
  hostPageSize: Size,
): void {
  const region = regions[layout.tableBar];
  if (region === undefined) return;
  const msixMappable = isMsixMappable(region.info);
  if (msixMappable && rules.honoursMsixMappable) return;
  const { mmaps, regionSize } = region;
  const areas = rules.fixUpAreas(mmaps, layout, { regionSize, hostPageSize, msixMappable });
  if (areas !== mmaps) region.mmaps = areas.map(({ offset, size }) => ({ offset, size, region: undefined }));
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
 * Takes the host pages with the table out of a BAR that is one whole mmap. The PBA and the IOMMU's
 * pages play no part; a BAR of several areas is left as it is.
 */
export function cutOutTable(
  areas: readonly SparseArea[],
  { tableOffset, vectors }: MsixLayout,
  { regionSize, hostPageSize }: FixUpContext,
): readonly SparseArea[] {
  const whole = areas.length === 1 ? areas[0] : undefined;
  if (whole?.offset !== 0n || whole.size !== regionSize) return areas;
  const start = alignDown(tableOffset, hostPageSize);
  const end = alignUp(offset(tableOffset + msixTableSize(vectors)), hostPageSize);
  const before = { offset: whole.offset, size: start };
  const behind = { offset: end, size: regionSize - end };
  if (start === 0n) return end >= regionSize ? [] : [behind];
  return end >= regionSize ? [before] : [before, behind];
}
