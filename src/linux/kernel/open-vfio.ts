import { vfioRequest, VFIO_IOMMU_TYPES, type IoctlEncoding } from '../../host/abi/index.ts';
import { DEFAULT_DMA_ENTRY_LIMIT } from '../../host/index.ts';
import { command } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import type { HostSession, SessionDevice, SessionOn, Type1Info } from '../session/host-session.ts';
import { AgentCalls } from './agent-calls.ts';
import { readType1Info, type1InfoRequest } from './encode-call.ts';
import { openContainer } from './open-container.ts';
import { readyDevice } from './open-device.ts';
import type { BoundDevice } from './plugged-device.ts';

const TYPE1_PARAMETERS = '/sys/module/vfio_iommu_type1/parameters';

/** The descriptors of the container and of the device's file; -1 for one that the session does not have. */
export interface OpenedVfio {
  readonly container: number;
  readonly deviceFile: number;
  /** The session's device as this kernel has it. */
  readonly device: SessionDevice;
}

/**
 * Puts a device's group into a container of its own, and opens the device's file if the session wants it open.
 *
 * @throws PreparationFailed when the kernel refuses a step
 */
export async function openVfio(
  machine: LinuxMachine,
  session: HostSession,
  bound: BoundDevice,
  ioctls: IoctlEncoding,
): Promise<OpenedVfio> {
  const calls = new AgentCalls(machine);
  const wanted = { ...bound.device, open: session.device.open };
  if (session.container === 'kvm' && !wanted.open) return { container: -1, deviceFile: -1, device: wanted };
  const limit = 'dmaEntryLimit' in session.info ? session.info.dmaEntryLimit : DEFAULT_DMA_ENTRY_LIMIT;
  await calls.needAll([
    [command.writeFile(`${TYPE1_PARAMETERS}/dma_entry_limit`, String(limit)), 'dma_entry_limit'],
    // Linux 7.3 finds no interrupt remapping in QEMU's amd-iommu ("No southbridge IOAPIC found").
    [command.writeFile(`${TYPE1_PARAMETERS}/allow_unsafe_interrupts`, 'Y'), 'allow_unsafe_interrupts'],
  ]);
  const type = session.container === 'type1' ? VFIO_IOMMU_TYPES.TYPE1 : VFIO_IOMMU_TYPES.TYPE1v2;
  const { container, group } = await openContainer(calls, bound, ioctls, type);
  if (!wanted.open) return { container, deviceFile: -1, device: wanted };

  const name = new Uint8Array(Buffer.from(`${bound.bdf}\0`));
  const { result: deviceFile } = await calls.need(
    command.ioctl(group, vfioRequest('GROUP_GET_DEVICE_FD', ioctls), name),
    'GROUP_GET_DEVICE_FD',
  );
  const file = { descriptor: deviceFile, pageSize: session.pageSize, ioctls };
  return { container, deviceFile, device: await readyDevice(machine, wanted, file) };
}

/** What VFIO_IOMMU_GET_INFO reports of a type1 container. */
export async function type1Info(
  machine: LinuxMachine,
  container: number,
  session: SessionOn<'type1' | 'type1v2'>,
  ioctls: IoctlEncoding,
): Promise<Type1Info> {
  const text = command.ioctl(container, vfioRequest('IOMMU_GET_INFO', ioctls), type1InfoRequest());
  const { data } = await new AgentCalls(machine).need(text, 'IOMMU_GET_INFO');
  const { pageSizes, iovaRanges } = readType1Info(data);
  return { pageSizes, iovaRanges, dmaEntryLimit: session.info.dmaEntryLimit };
}
