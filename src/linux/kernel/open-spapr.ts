import {
  GROUP_STATUS,
  SPAPR_INFO,
  vfioRequest,
  VFIO_IOMMU_TYPES,
  type IoctlEncoding,
} from '../../host/abi/index.ts';
import { command } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import type { SpaprInfo } from '../session/host-session.ts';
import { AgentCalls } from './agent-calls.ts';
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
  const request = (name: Parameters<typeof vfioRequest>[0]): number => vfioRequest(name, ioctls);
  const opened = await calls.needAll([
    [command.open('/dev/vfio/vfio'), '/dev/vfio/vfio'],
    [command.open(`/dev/vfio/${bound.group}`), `group ${bound.group}`],
  ]);
  const [container, group] = [opened[0]!.result, opened[1]!.result];
  const status = GROUP_STATUS.encode({ argsz: GROUP_STATUS.bytes });
  const containerBytes = new Uint8Array(new Int32Array([container]).buffer);
  const question = SPAPR_INFO.encode({ argsz: SPAPR_INFO.bytes });
  const answers = await calls.needAll([
    [command.ioctl(group, request('GROUP_GET_STATUS'), status), 'GROUP_GET_STATUS'],
    [command.ioctl(group, request('GROUP_SET_CONTAINER'), containerBytes), 'GROUP_SET_CONTAINER'],
    [command.ioctlValue(container, request('SET_IOMMU'), VFIO_IOMMU_TYPES.SPAPR_TCE_v2), 'SET_IOMMU'],
    [command.ioctl(container, request('IOMMU_GET_INFO'), question), 'IOMMU_SPAPR_TCE_GET_INFO'],
  ]);
  const info = SPAPR_INFO.decode(answers[3]!.data);
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
