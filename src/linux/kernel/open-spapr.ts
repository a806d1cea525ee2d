import { SPAPR_INFO, vfioRequest, VFIO_IOMMU_TYPES, type IoctlEncoding } from '../../host/abi/index.ts';
import { command } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import type { SpaprInfo } from '../session/host-session.ts';
import { AgentCalls } from './agent-calls.ts';
import { openContainer } from './open-container.ts';
import type { BoundDevice } from './plugged-device.ts';

/**
 * Puts a device's group into a container of sPAPR TCE version 2.
 *
 * @returns the descriptor of the container, and what VFIO_IOMMU_SPAPR_TCE_GET_INFO reports
 * @throws PreparationFailed when the kernel refuses a step
 */
export async function openSpapr(
  machine: LinuxMachine,
  bound: BoundDevice,
  ioctls: IoctlEncoding,
): Promise<{ readonly container: number; readonly info: SpaprInfo }> {
  const calls = new AgentCalls(machine);
  const { container } = await openContainer(calls, bound, ioctls, VFIO_IOMMU_TYPES.SPAPR_TCE_v2);
  const question = SPAPR_INFO.encode({ argsz: SPAPR_INFO.bytes });
  const { data } = await calls.need(
    command.ioctl(container, vfioRequest('IOMMU_GET_INFO', ioctls), question),
    'IOMMU_SPAPR_TCE_GET_INFO',
  );
  const info = SPAPR_INFO.decode(data);
  return {
    container,
    info: {
      defaultWindow: { start: BigInt(info.dma32_window_start), size: BigInt(info.dma32_window_size) },
      pageSizes: info.pgsizes,
      maxDynamicWindows: info.max_dynamic_windows_supported,
      levels: info.levels,
    },
  };
}
