import { undoAtExit } from '../../qemu/process/index.ts';
import {
  VfioUserServer,
  type DmaContainer,
  type ServedBar,
  type ServedDevice,
} from '../../vfio-user/index.ts';
import { BAR_COUNT } from '../../pci-layout/index.ts';
import { offset } from '../../address/index.ts';
import type { SessionDevice } from '../session/host-session.ts';

/** Accepts every DMA mapping that QEMU requests for the kernel's IOMMU, and stores none: the device makes no DMA. */
const GRANT_ALL: DmaContainer = { pageSizes: 0x40201000n, map: () => 0, unmap: () => 0, mappings: () => [] };

/** Ids that Red Hat keeps for experiments, so that no other driver of Linux binds to the device. */
const IDS = { vendor: 0x1af4, device: 0x10ff } as const;

/** The device that barproof serves to QEMU for a session's device. QEMU may mmap every memory BAR. */
export function servedDevice({ bars, msix }: SessionDevice, id: string): ServedDevice {
  const served = Array.from({ length: BAR_COUNT }, (_, index): ServedBar | undefined => {
    const bar = bars.find((one) => one.index === index);
    if (bar === undefined) return undefined;
    const memory = bar.type !== 'io';
    return {
      attributes: { type: bar.type, prefetchable: bar.prefetch },
      info: {
        size: bar.size,
        flags: { read: true, write: true, mmap: memory },
        capabilities: msix?.table.bir === index && memory ? [{ id: 3 }] : [],
      },
    };
  });
  return {
    ...{ id, ...IDS, bars: served, pciExpress: true },
    msix: msix && {
      vectors: msix.vectors,
      tableBar: msix.table.bir,
      tableOffset: offset(msix.table.offset),
      pbaBar: msix.pba.bir,
      pbaOffset: offset(msix.pba.offset),
    },
  };
}

/**
 * Serves a device at a socket.
 *
 * @param container takes the mappings that QEMU requests for the kernel's IOMMU
 * @returns a function that ends the server and removes the socket
 */
export async function serveHostDevice(
  socketPath: string,
  device: ServedDevice,
  container: DmaContainer = GRANT_ALL,
): Promise<() => Promise<void>> {
  const server = new VfioUserServer({ socketPath, device, container: () => container });
  // Without `takeRequests` the server's list of DMA requests would grow until the server closes the connection.
  server.on('dma', () => void server.takeRequests());
  await server.listen();
  const forget = undoAtExit(() => void server.close());
  return () => {
    forget();
    return server.close();
  };
}
