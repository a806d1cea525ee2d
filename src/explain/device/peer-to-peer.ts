import type { Size } from '../../address/index.ts';
import type { IommuTypeName } from '../../scenario/index.ts';
import type { DeviceOnHost } from './device-spec.ts';
import { DMA_BUF_KERNEL, NEWEST_KERNEL, NEWEST_QEMU } from './releases.ts';
import { tryDevice } from './try-device.ts';

/** How much of a device's BARs other devices reach by DMA, in one way of attaching them. */
export interface PeerToPeerRow {
  readonly iommu: IommuTypeName;
  readonly condition: string;
  /** For each host; `undefined` where the host has no such container. */
  readonly bytes: readonly (Size | undefined)[];
}

const WAYS: readonly {
  readonly iommu: IommuTypeName;
  readonly kernel: string;
  readonly condition: string;
}[] = [
  { iommu: 'type1', kernel: NEWEST_KERNEL, condition: 'any kernel and QEMU' },
  { iommu: 'iommufd', kernel: NEWEST_KERNEL, condition: `before Linux ${DMA_BUF_KERNEL} or QEMU 11` },
  { iommu: 'iommufd', kernel: DMA_BUF_KERNEL, condition: `Linux ${DMA_BUF_KERNEL} and QEMU 11, by dma-buf` },
  { iommu: 'spapr-tce-v2', kernel: NEWEST_KERNEL, condition: 'any kernel and QEMU' },
];

/** Measures peer-to-peer DMA under each kind of container that one of the hosts has. */
export const peerToPeer = (places: readonly DeviceOnHost[]): readonly PeerToPeerRow[] =>
  WAYS.filter(({ iommu }) => places.some(({ host }) => host.iommu.types.includes(iommu))).map(
    ({ iommu, kernel, condition }) => ({
      iommu,
      condition,
      bytes: places.map(({ device, host }) =>
        host.iommu.types.includes(iommu)
          ? tryDevice(device, { host, kernel, iommu, revision: NEWEST_QEMU, relocation: 'off' }).p2p
          : undefined,
      ),
    }),
  );
