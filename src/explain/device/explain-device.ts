import type { Size } from '../../address/index.ts';
import { toJsonLine, type NamedHost } from '../../scenario/index.ts';
import type { PastedBar, PastedDevice } from '../lspci/pasted-device.ts';
import { DEVICE_ID, deviceSpec, type DeviceOnHost } from './device-spec.ts';
import { HostPlaces } from './host-places.ts';
import { leastTrapping, mostPeerToPeer } from './least-trapping.ts';
import { likelyMsix } from './likely-msix.ts';
import { isTriable, isUnassigned, missingFacts } from './missing-facts.ts';
import { peerToPeer, type PeerToPeerRow } from './peer-to-peer.ts';
import { HOSTS_BY_PAGE } from './releases.ts';
import { relocationsOf, type Relocations } from './relocations.ts';
import { spoiledPages, type SpoiledPages } from './spoiled-pages.ts';
import { subPageBars, type SubPageBar } from './sub-page-bars.ts';
import { trappingOn, type TrappingRow } from './trapping.ts';

/** What barproof says of one device. */
export interface DeviceAnswer {
  readonly kind: 'device';
  readonly device: PastedDevice;
  /** What the text leaves open. */
  readonly missing: readonly string[];
  readonly remarks: readonly string[];
  readonly pageSizes: readonly Size[];
  readonly spoiled: readonly SpoiledPages[];
  readonly subPage: readonly SubPageBar[];
  /** The BARs that have room for the table, where the text shows a table and not its place. */
  readonly tableBars: readonly number[];
  /** Empty where the text does not show the sizes of the BARs. */
  readonly trapping: readonly TrappingRow[];
  readonly relocations: Relocations | undefined;
  readonly peerToPeer: readonly PeerToPeerRow[];
}

/** What the caller knows besides the text. */
export interface DeviceContext {
  /** The host on which to try the device; by default one of each size of page. */
  readonly host?: NamedHost | undefined;
}

/** The results of trials, which depend on the layout of a device alone. */
type Trials = Pick<DeviceAnswer, 'trapping' | 'relocations' | 'peerToPeer'>;

/**
 * Explains the devices of one machine: where the tables lie, which bytes exit to QEMU, and what can be changed. Devices
 * with the same layout, such as virtual functions, are tried once.
 */
export function explainDevices(
  devices: readonly PastedDevice[],
  { host }: DeviceContext = {},
): readonly DeviceAnswer[] {
  const hosts = host === undefined ? HOSTS_BY_PAGE : [host];
  const places = new HostPlaces(devices);
  const tried = new Map<string, Trials>();
  return devices.map((device) => {
    const onHosts = hosts.map((one) => ({
      device: deviceSpec(device, one.hostPageSize, places),
      host: one,
    }));
    const pageSizes = hosts.map(({ hostPageSize }) => hostPageSize);
    return {
      kind: 'device',
      device,
      missing: isPassable(device) ? missingFacts(device) : [],
      remarks: remarksOn(device),
      pageSizes,
      spoiled: spoiledPages(device, pageSizes),
      tableBars: tableBars(device),
      subPage: onHosts.flatMap((place) => subPageBars(device, place)),
      ...trialsOf(device, onHosts, tried),
    };
  });
}

function trialsOf(
  device: PastedDevice,
  onHosts: readonly DeviceOnHost[],
  tried: Map<string, Trials>,
): Trials {
  if (!isPassable(device) || !isTriable(device))
    return { trapping: [], relocations: undefined, peerToPeer: [] };
  const { isPlaceKnown, layouts } = likelyMsix(device);
  const key = toJsonLine({
    devices: onHosts.map((place) => ({ ...place.device, name: DEVICE_ID })),
    layouts,
  });
  const known = tried.get(key);
  if (known !== undefined) return known;
  const trials: Trials = {
    trapping: isPlaceKnown
      ? onHosts.flatMap(trappingOn)
      : onHosts.map((place) => leastTrapping(place, layouts)),
    relocations: onHosts[0]!.device.msix === undefined ? undefined : relocationsOf(onHosts),
    peerToPeer: isPlaceKnown ? peerToPeer(onHosts) : mostPeerToPeer(onHosts, layouts),
  };
  tried.set(key, trials);
  return trials;
}

function tableBars(device: PastedDevice): readonly number[] {
  const { isPlaceKnown, layouts } = likelyMsix(device);
  return isPlaceKnown || device.msix === undefined
    ? []
    : layouts.flatMap((layout) => (layout === undefined ? [] : [layout.tableBar]));
}

const isPassable = ({ isBridge, isSilent }: PastedDevice): boolean => !isBridge && !isSilent;

/** What a BAR without an address on the host means for the device. */
function unassignedRemark({ index, space, width }: PastedBar): string {
  const name = index === undefined ? 'a BAR' : `BAR ${index}`;
  if (space === 'io')
    return `${name}, an I/O BAR, has no address on the host; accesses to an I/O BAR exit to QEMU in any case, so the numbers for the memory BARs stand`;
  const above4G = width === 64 ? ', or another setting of the firmware for memory above 4 GiB' : '';
  return `${name}: the host assigned no address; vfio-pci cannot give this BAR to QEMU until the host's kernel places it (kernel parameter pci=realloc${above4G})`;
}

function remarksOn({
  isBridge,
  isSilent,
  bars,
  countedIndexes,
  msix,
  capabilities,
  resizable,
}: PastedDevice): readonly string[] {
  if (isBridge) return ['a bridge: VFIO passes only the devices behind it through'];
  if (isSilent)
    return [
      'the device does not answer: reads of its configuration space return all ones (powered off, removed, or hung after a reset); read it again after it is back',
    ];
  const remarks: string[] = [];
  for (const bar of bars.filter(isUnassigned)) remarks.push(unassignedRemark(bar));
  for (const bar of resizable)
    remarks.push(
      `${bar}: a resizable BAR; QEMU gives the guest the present size, which the host can change before QEMU starts (resourceN_resize in sysfs)`,
    );
  if (countedIndexes)
    remarks.push(
      'the numbers of the BARs are counted in the order of the lines: `lspci -v` does not print them',
    );
  if (msix === undefined && (capabilities === 'in full' || capabilities === 'names'))
    remarks.push(
      'the text shows no MSI-X capability; if it is complete, no page of a BAR is trapped for a table',
    );
  return remarks;
}
