import type { MsixLayout } from '../../pci-layout/index.ts';
import { withMsix, type DeviceOnHost } from './device-spec.ts';
import { peerToPeer, type PeerToPeerRow } from './peer-to-peer.ts';
import { NEWEST_KERNEL, NEWEST_QEMU } from './releases.ts';
import type { TrappingRow } from './trapping.ts';
import { tryDevice, type DeviceTrial } from './try-device.ts';

/**
 * What is trapped at least, and direct at most, of a device whose table lies somewhere: over all layouts that are
 * possible, with the newest QEMU and kernel. Older ones trap no less.
 */
export function leastTrapping(
  { device, host }: DeviceOnHost,
  layouts: readonly (MsixLayout | undefined)[],
): TrappingRow {
  const trials = layouts.map((layout) =>
    tryDevice(withMsix(device, layout), {
      host,
      kernel: NEWEST_KERNEL,
      iommu: host.iommu.types[0]!,
      revision: NEWEST_QEMU,
      relocation: 'off',
    }),
  );
  const least = trials.reduce((best, trial) => (isLess(trial, best) ? trial : best));
  const isAll = least.outcome === 'ok' && least.direct === 0n && least.trapped > 0n;
  return {
    hostPageSize: host.hostPageSize,
    kernels: 'any',
    qemus: 'any',
    outcome: least.outcome,
    error: least.error,
    trapped: least.trapped,
    direct: least.direct,
    isBound: !isAll,
    // Where the stretches lie is what the text does not show.
    bars: isAll ? least.bars : [],
  };
}

/** As much peer-to-peer DMA as a layout allows that is possible. */
export const mostPeerToPeer = (
  places: readonly DeviceOnHost[],
  layouts: readonly (MsixLayout | undefined)[],
): readonly PeerToPeerRow[] =>
  layouts
    .map((layout) =>
      peerToPeer(places.map(({ device, host }) => ({ host, device: withMsix(device, layout) }))),
    )
    .reduce((most, rows) => most.map((row, at) => ({ ...row, bytes: larger(row.bytes, rows[at]!.bytes) })));

const larger = (a: PeerToPeerRow['bytes'], b: PeerToPeerRow['bytes']): PeerToPeerRow['bytes'] =>
  a.map((size, at) => (size !== undefined && b[at] !== undefined && b[at] > size ? b[at] : size));

const isLess = (a: DeviceTrial, b: DeviceTrial): boolean =>
  a.outcome === b.outcome ? a.trapped < b.trapped : a.outcome === 'ok';
