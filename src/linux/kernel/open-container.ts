import { GROUP_STATUS, vfioRequest, type IoctlEncoding } from '../../host/abi/index.ts';
import { command } from '../agent/commands.ts';
import type { AgentCalls } from './agent-calls.ts';
import type { BoundDevice } from './plugged-device.ts';

/** The descriptors of a container and of the device's group, which is in it. */
export interface OpenedContainer {
  readonly container: number;
  readonly group: number;
}

/**
 * Puts a device's group into a container of its own.
 *
 * @param type of the container, as VFIO_SET_IOMMU takes it
 * @throws PreparationFailed when the kernel refuses a step
 */
export async function openContainer(
  calls: AgentCalls,
  bound: BoundDevice,
  ioctls: IoctlEncoding,
  type: number,
): Promise<OpenedContainer> {
  const opened = await calls.needAll([
    [command.open('/dev/vfio/vfio'), '/dev/vfio/vfio'],
    [command.open(`/dev/vfio/${bound.group}`), `group ${bound.group}`],
  ]);
  const [container, group] = [opened[0]!.result, opened[1]!.result];
  const request = (name: Parameters<typeof vfioRequest>[0]): number => vfioRequest(name, ioctls);
  const status = GROUP_STATUS.encode({ argsz: GROUP_STATUS.bytes });
  const containerBytes = new Uint8Array(new Int32Array([container]).buffer);
  await calls.needAll([
    [command.ioctl(group, request('GROUP_GET_STATUS'), status), 'GROUP_GET_STATUS'],
    [command.ioctl(group, request('GROUP_SET_CONTAINER'), containerBytes), 'GROUP_SET_CONTAINER'],
    [command.ioctlValue(container, request('SET_IOMMU'), type), 'SET_IOMMU'],
  ]);
  return { container, group };
}
