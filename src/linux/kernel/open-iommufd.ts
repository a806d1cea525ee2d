import {
  BIND_IOMMUFD,
  IOAS_ALLOC,
  iommufdRequest,
  vfioRequest,
  type IoctlEncoding,
} from '../../host/abi/index.ts';
import { command } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import type { CallNamed } from '../session/host-call.ts';
import type { IommufdInfo, SessionDevice, SessionOn } from '../session/host-session.ts';
import { SessionMemory } from '../session/memory-areas.ts';
import { AgentCalls, PreparationFailed } from './agent-calls.ts';
import { encodeIommufdCall } from './encode-iommufd-call.ts';
import type { CallContext, EncodedCall, OpenAddressSpace } from './encoded-call.ts';
import { mapRangesArea } from './iova-ranges-area.ts';
import { readyDevice } from './open-device.ts';
import type { BoundDevice } from './plugged-device.ts';

/** What a session on iommufd has open; the device's file is -1 where the session has none. */
export interface OpenedIommufd {
  /** The descriptor of /dev/iommu. */
  readonly file: number;
  readonly space: OpenAddressSpace;
  readonly deviceFile: number;
  /** The session's device as this kernel has it. */
  readonly device: SessionDevice;
  readonly info: IommufdInfo;
}

const UNSAFE_INTERRUPTS = '/sys/module/iommufd/parameters/allow_unsafe_interrupts';

/** The kernel numbers the files of devices from 0, in the order in which vfio-pci binds to the devices. */
const MOST_DEVICES = 64;
/** Room for more ranges than any IOMMU has. */
const RANGES: CallNamed<'ioas-iova-ranges'> = { call: 'ioas-iova-ranges', count: 64 };

/**
 * Opens /dev/iommu with an address space of its own. If the session's device is open, opens the device's own file
 * (no group), binds it to iommufd, and attaches it if the session begins so.
 *
 * @throws PreparationFailed when the kernel refuses a step, for instance because it has no iommufd
 */
export async function openIommufd(
  machine: LinuxMachine,
  session: SessionOn<'iommufd'>,
  bound: BoundDevice,
  ioctls: IoctlEncoding,
): Promise<OpenedIommufd> {
  const calls = new AgentCalls(machine);
  const [opened] = await calls.needAll([
    [command.open('/dev/iommu'), '/dev/iommu'],
    [mapRangesArea(), 'the memory for IOVA ranges'],
    // Linux 7.3 finds no interrupt remapping in QEMU's amd-iommu, and refuses to bind the device (EPERM).
    [command.writeFile(UNSAFE_INTERRUPTS, 'Y'), 'allow_unsafe_interrupts'],
  ]);
  const file = opened!.result;
  const request = IOAS_ALLOC.encode({ size: IOAS_ALLOC.bytes });
  const allocated = await calls.need(
    command.ioctl(file, iommufdRequest('IOAS_ALLOC', ioctls), request),
    'IOAS_ALLOC',
  );
  const space = { id: IOAS_ALLOC.decode(allocated.data).out_ioas_id, dmaBufs: new Map<string, number>() };
  const wanted = { ...bound.device, open: session.device.open };
  if (!wanted.open) return { file, space, deviceFile: -1, device: wanted, info: session.info };

  const deviceFile = await openDeviceFile(calls, bound.bdf);
  const bind = BIND_IOMMUFD.encode({ argsz: BIND_IOMMUFD.bytes, iommufd: file });
  await calls.need(
    command.ioctl(deviceFile, vfioRequest('DEVICE_BIND_IOMMUFD', ioctls), bind),
    'DEVICE_BIND_IOMMUFD',
  );
  const device = await readyDevice(machine, wanted, {
    descriptor: deviceFile,
    pageSize: session.pageSize,
    ioctls,
  });
  const context = { container: file, device: deviceFile, machine: -1, memory: new SessionMemory([]), ioctls };
  const info = await askInfo(calls, context, space, session.info.attached);
  return { file, space, deviceFile, device, info };
}

/** Opens the file that vfio-pci makes for a device: /dev/vfio/devices/vfio0 and so on. */
async function openDeviceFile(calls: AgentCalls, bdf: string): Promise<number> {
  const names = Array.from({ length: MOST_DEVICES }, (_, number) => `vfio${number}`);
  const links = await calls.askAll(names.map((name) => command.readlink(`/sys/class/vfio-dev/${name}`)));
  const name = names.find((_, index) => {
    const link = links[index]!;
    return link.kind === 'returned' && Buffer.from(link.data).toString().includes(`/${bdf}/vfio-dev/`);
  });
  if (name === undefined) throw new PreparationFailed(`${bdf} has no file in /dev/vfio/devices`);
  const path = `/dev/vfio/devices/${name}`;
  return (await calls.need(command.open(path), path)).result;
}

/** Attaches the device to see what its domain allows, and detaches it again unless the session begins attached. */
async function askInfo(
  calls: AgentCalls,
  context: CallContext,
  space: OpenAddressSpace,
  attached: boolean,
): Promise<IommufdInfo> {
  const encode = (call: Parameters<typeof encodeIommufdCall>[0]): EncodedCall =>
    encodeIommufdCall(call, context, space) as EncodedCall;
  await calls.need(encode({ call: 'attach' }).commands[0]!, 'DEVICE_ATTACH_IOMMUFD_PT');
  const { commands, decode } = encode(RANGES);
  const [answer, ...later] = await calls.askAll(commands);
  if (answer?.kind !== 'returned' || answer.result < 0) throw new PreparationFailed('IOAS_IOVA_RANGES');
  const { alignment, ranges } = decode(answer, later).returned;
  if (!attached) await calls.need(encode({ call: 'detach' }).commands[0]!, 'DEVICE_DETACH_IOMMUFD_PT');
  // iommufd reports no other page size of the domain than its smallest.
  return { attached, pageSizes: alignment as bigint, iovaRanges: ranges as IommufdInfo['iovaRanges'] };
}
