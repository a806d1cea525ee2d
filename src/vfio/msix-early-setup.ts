import { alignDown, alignUp, offset } from '../address/index.ts';
import { isMsixMappable, type SparseArea } from '../host/index.ts';
import { msixTableSize, type MsixLayout } from '../pci-layout/index.ts';
import type { DeviceEnvironment } from './device-environment.ts';
import type { DeviceRules, FixUpContext } from './device-rules.ts';
import { DeviceRefused } from './failure.ts';
import type { HostDevice } from './host-device.ts';
import type { VfioRegion } from './vfio-region.ts';

/**
 * Reads the device's MSI-X capability (vfio_msix_early_setup, vfio facts 5.6 and 5.7).
 *
 * @param relocationRequested whether `x-msix-relocation` is set to anything but `off`.
 * @returns the layout that the rest of the set-up works with; `undefined` for a device without MSI-X.
 * @throws DeviceRefused for a capability that this version does not accept.
 */
export function setUpMsixEarly(
  device: HostDevice,
  regions: readonly VfioRegion[],
  rules: DeviceRules,
  relocationRequested: boolean,
): MsixLayout | undefined {
  const layout = device.msix;
  if (layout === undefined) return undefined;
  rules.checkLocation(layout);
  const pbaBarSize = regions[layout.pbaBar]?.regionSize ?? 0n;
  if (layout.pbaOffset < pbaBarSize) return layout;
  const corrected = rules.correctPbaOffset(device.vendor, device.device);
  if (corrected !== undefined) return { ...layout, pbaOffset: corrected };
  if (relocationRequested && rules.toleratesPbaBeyondBarWhenRelocated) return layout;
  throw new DeviceRefused('hardware reports invalid configuration, MSIX PBA outside of specified BAR');
}

/**
 * Takes the table's pages out of the mmap areas of the table's BAR, unless the host allows an mmap of these
 * pages and the QEMU version makes use of that (vfio_pci_fixup_msix_region, vfio fact 5.8).
 */
export function fixUpMsixAreas(
  regions: readonly VfioRegion[],
  layout: MsixLayout,
  { rules, hostPageSize }: Pick<DeviceEnvironment, 'rules' | 'hostPageSize'>,
): void {
  const region = regions[layout.tableBar];
  if (region === undefined) return;
  const msixMappable = isMsixMappable(region.info);
  if (msixMappable && rules.honoursMsixMappable) return;
  const { mmaps, regionSize } = region;
  const areas = rules.fixUpAreas(mmaps, layout, { regionSize, hostPageSize, msixMappable });
  if (areas !== mmaps) region.mmaps = areas.map(({ offset, size }) => ({ offset, size, region: undefined }));
}

/**
 * Takes the host pages that the table touches out of a BAR that is one area. Pages of the PBA and of the
 * IOMMU play no part, and a BAR of several areas keeps them all (vfio fact 5.8).
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
