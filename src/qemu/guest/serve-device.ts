import { pageSizeBitmap, type Iova, type Size } from '../../address/index.ts';
import type { DeviceSpec, Scenario } from '../../scenario/index.ts';
import { VfioUserIommu, type Errno } from '../../host/index.ts';
import { undoAtExit } from '../process/leave-nothing-behind.ts';
import type { PrivateDirectory } from '../process/private-directory.ts';
import { VfioUserServer } from '../../vfio-user/index.ts';
import { deviceModel } from './device-model.ts';
import { hostContainer } from './host-container.ts';
import type { DeviceOffer } from './device-offer.ts';
import { romProperties } from './rom-properties.ts';

/** A VFIO_USER_DMA_MAP or VFIO_USER_DMA_UNMAP of QEMU, and the server's answer. */
export interface ServedRequest {
  readonly kind: 'map' | 'unmap';
  readonly iova: Iova;
  readonly size: Size;
  /** Whether a map leaves the device no right to write. */
  readonly readonly: boolean;
  /** Where in QEMU's file the memory begins. Absent for an unmap, and for memory without a file. */
  readonly fileOffset: bigint | undefined;
  readonly errno: Errno;
}

/** The server of one device for one QEMU, over a UNIX socket. */
export interface DeviceServer extends DeviceOffer {
  /** The DMA requests since the last call, in the order of their arrival. */
  takeRequests(): readonly ServedRequest[];
}

/**
 * Serves a device of a scenario at a socket. The scenario's host decides which DMA requests are granted. The promise
 * resolves once QEMU can connect.
 *
 * @param directory that QEMU runs in. QEMU names every region of the device by the socket's path, so a short path
 *   keeps `info mtree` short.
 * @param qemuId the device's id in QEMU, and the name of its socket.
 */
export async function serveDevice(
  directory: PrivateDirectory,
  qemuId: string,
  device: DeviceSpec,
  scenario: Scenario,
): Promise<DeviceServer> {
  const { pageSizes, maxMappings } = scenario.host.iommu;
  const server = new VfioUserServer({
    socketPath: directory.at(qemuId),
    device: deviceModel(scenario, device),
    container: () => hostContainer(new VfioUserIommu({ pageSizes: pageSizeBitmap(pageSizes), maxMappings })),
  });
  let disconnected = false;
  let failure: unknown;
  server.on('disconnect', (_, cause) => {
    disconnected = true;
    failure ??= cause;
  });
  await server.listen();
  // Node 20 aborts when it ends while koffi still watches a descriptor.
  const forget = undoAtExit(() => void server.close());
  return {
    properties: {
      driver: 'vfio-user-pci',
      socket: { type: 'unix', path: qemuId },
      ...romProperties(device, qemuId, directory),
    },
    takeRequests: (): readonly ServedRequest[] =>
      server.takeRequests().map(({ kind, iova, size, readonly, fileOffset, answer }) => ({
        ...{ kind, iova, size, readonly, fileOffset },
        // The container is the host's, and so are its error numbers.
        errno: answer === 'ok' ? 0 : (answer as Errno),
      })),
    settle: () => {
      server.drain();
      // Otherwise a fault of the server would be reported as one of QEMU.
      if (failure !== undefined) throw failure;
    },
    get disconnected() {
      return disconnected;
    },
    keepAlive: (whether) => server.keepAlive(whether),
    close: () => {
      forget();
      return server.close();
    },
  };
}
