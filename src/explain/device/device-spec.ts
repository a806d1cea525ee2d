import { offset, type Size } from '../../address/index.ts';
import type { MsixLayout } from '../../pci-layout/index.ts';
import type { BarSpec, BarTypeName, DeviceSpec, NamedHost } from '../../scenario/index.ts';
import { HostPlaces } from './host-places.ts';
import { likelyMsix } from './likely-msix.ts';
import type { PastedBar, PastedDevice } from '../lspci/pasted-device.ts';

/** The id of the device in scenarios that are made of a text. */
export const DEVICE_ID = 'dev0';

/** A device as the kernel of one host presents it. */
export interface DeviceOnHost {
  readonly device: DeviceSpec;
  readonly host: NamedHost;
}

/**
 * The device of a text as a scenario names it. BARs of unknown size are left out, and MSI-X whose table lies at an
 * unknown place; `missingFacts` names both. A PBA of unknown place lies where it is in the way of nothing.
 *
 * @param hostPageSize in bytes: vfio-pci decides by it which BARs may be mmapped.
 * @param places the host addresses of all BARs that are known, those of this device among them.
 */
export function deviceSpec(
  device: PastedDevice,
  hostPageSize: Size,
  places = new HostPlaces([device]),
): DeviceSpec {
  const bars = device.bars.filter(
    (bar) => bar.index !== undefined && bar.size !== undefined && bar.size > 0n && bar.width !== undefined,
  );
  const { isPlaceKnown, layouts } = likelyMsix(device);
  const spec: DeviceSpec = {
    id: DEVICE_ID,
    name: fullAddress(device.address) ?? DEVICE_ID,
    vendor: device.vendorId ?? 0,
    device: device.deviceId ?? 0,
    bars: bars.map((bar): BarSpec => ({
      index: bar.index!,
      size: bar.size!,
      type: barType(bar),
      mmap: bar.space === 'memory' && isMmappable(bar, hostPageSize, places),
    })),
    options: {},
  };
  return isPlaceKnown ? withMsix(spec, layouts[0]) : spec;
}

/** A device with MSI-X at a place. */
export const withMsix = (device: DeviceSpec, layout: MsixLayout | undefined): DeviceSpec =>
  layout === undefined
    ? device
    : {
        ...device,
        msix: {
          ...layout,
          tableOffset: offset(layout.tableOffset),
          pbaOffset: offset(layout.pbaOffset),
        },
      };

/** The name that QEMU gives the device's regions: with the domain. */
const fullAddress = (address: string | undefined): string | undefined =>
  address === undefined || address.split(':').length === 3 ? address : `0000:${address}`;

const barType = ({ space, width, prefetchable }: PastedBar): BarTypeName =>
  space === 'io' ? 'io' : `mem${width!}${prefetchable ? 'p' : ''}`;

/**
 * Whether vfio-pci lets the BAR be mmapped: a BAR smaller than a page only if it begins a page and has the page to
 * itself (host facts R4.2.2 and R4.2.3). A BAR whose place is unknown counts as alone.
 */
function isMmappable({ address, size }: PastedBar, page: Size, places: HostPlaces): boolean {
  if (size! >= page || address === undefined) return true;
  return address % page === 0n && places.countIn({ start: address, end: address + page }) <= 1;
}
