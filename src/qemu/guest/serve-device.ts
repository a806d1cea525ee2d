import { pageSizeBitmap } from '../../address/index.ts';
import { VfioUserIommu, type Errno } from '../../host/index.ts';
import type { DeviceServer, ServeDevice, ServedRequest } from './device-server.ts';
import { undoAtExit } from '../process/leave-nothing-behind.ts';
import { VfioUserServer } from '../../vfio-user/index.ts';
import { deviceModel } from './device-model.ts';
import { hostContainer } from './host-container.ts';

/** Serves a device of a scenario. The scenario's host decides which DMA requests are granted. */
export const serveDevice: ServeDevice = async (socketPath, device, scenario): Promise<DeviceServer> => {
  const { pageSizes, maxMappings } = scenario.host.iommu;
  const server = new VfioUserServer({
    socketPath,
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
};
