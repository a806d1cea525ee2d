import {
  GENERIC_IOCTLS,
  GROUP_STATUS,
  KVM_CAPABILITIES,
  kvmRequests,
  POWERPC_IOCTLS,
  vfioRequest,
  VFIO_IOMMU_TYPES,
  type IoctlEncoding,
} from '../../host/abi/index.ts';
import { command, MAP, PROT } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import type {
  Area,
  HostSession,
  KvmInfo,
  SessionDevice,
  SessionOn,
  Type1Info,
} from '../session/host-session.ts';
import { barAddress, barAreas, SessionMemory } from '../session/memory-areas.ts';
import { AgentCalls } from './agent-calls.ts';
import { type1InfoRequest, encodeCall, readType1Info, type CallContext } from './encode-call.ts';
import { withPageNeighbours, type BoundDevice } from './plugged-device.ts';

/** A session whose container is open in a kernel. */
export interface PreparedSession {
  /** The session, with what this kernel said. */
  readonly session: HostSession;
  readonly context: CallContext;
}

const TYPE1_PARAMETERS = '/sys/module/vfio_iommu_type1/parameters';
const ioctlsOf = ({ arch }: HostSession): IoctlEncoding =>
  arch === 'ppc64le' ? POWERPC_IOCTLS : GENERIC_IOCTLS;

/**
 * Makes in a kernel what a session begins with: its memory, its container or virtual machine, its device.
 *
 * @throws PreparationFailed when the kernel refuses a step
 */
export async function prepareSession(
  machine: LinuxMachine,
  session: HostSession,
  bound: BoundDevice,
): Promise<PreparedSession> {
  const calls = new AgentCalls(machine);
  await calls.need(command.endCase(), 'the end of the case before');
  const opened = await openVfio(machine, calls, session, bound);
  const anonymous = session.areas.filter(({ name }) => !name.startsWith('bar'));
  await makeMemory(calls, anonymous);
  const areas = [...anonymous, ...barAreas(opened.device, session.pageSize)];
  const memory = new SessionMemory(areas);
  const context = { ...opened, device: opened.deviceFile, machine: -1, memory, ioctls: ioctlsOf(session) };
  const common = { kernel: machine.kernel.release, device: opened.device, areas };
  switch (session.container) {
    case 'type1v2':
    case 'type1': {
      const info = await type1Info(calls, opened.container, session);
      return { session: { ...session, ...common, info }, context };
    }
    case 'kvm': {
      const { file, info } = await openKvm(calls, session);
      return { session: { ...session, ...common, info }, context: { ...context, machine: file } };
    }
    default:
      return { session: { ...session, ...common } as HostSession, context };
  }
}

/** The descriptors of the container and of the device's file, -1 without. */
interface OpenedVfio {
  readonly container: number;
  readonly deviceFile: number;
  readonly device: SessionDevice;
}

async function openVfio(
  machine: LinuxMachine,
  calls: AgentCalls,
  session: HostSession,
  bound: BoundDevice,
): Promise<OpenedVfio> {
  const ioctls = ioctlsOf(session);
  const request = (name: Parameters<typeof vfioRequest>[0]): number => vfioRequest(name, ioctls);
  const wanted = { ...bound.device, open: session.device.open };
  if (session.container === 'kvm' && !wanted.open) return { container: -1, deviceFile: -1, device: wanted };
  const limit = session.container.startsWith('type1')
    ? (session as SessionOn<'type1'>).info.dmaEntryLimit
    : 65535;
  await calls.need(
    command.writeFile(`${TYPE1_PARAMETERS}/dma_entry_limit`, String(limit)),
    'dma_entry_limit',
  );
  // Linux 7.3 finds no interrupt remapping in QEMU's amd-iommu ("No southbridge IOAPIC found").
  await calls.need(
    command.writeFile(`${TYPE1_PARAMETERS}/allow_unsafe_interrupts`, 'Y'),
    'allow_unsafe_interrupts',
  );
  const { result: container } = await calls.need(command.open('/dev/vfio/vfio'), '/dev/vfio/vfio');
  const { result: group } = await calls.need(
    command.open(`/dev/vfio/${bound.group}`),
    `group ${bound.group}`,
  );
  const status = GROUP_STATUS.encode({ argsz: GROUP_STATUS.bytes });
  await calls.need(command.ioctl(group, request('GROUP_GET_STATUS'), status), 'GROUP_GET_STATUS');
  const containerBytes = new Uint8Array(new Int32Array([container]).buffer);
  await calls.need(
    command.ioctl(group, request('GROUP_SET_CONTAINER'), containerBytes),
    'GROUP_SET_CONTAINER',
  );
  const type = session.container === 'type1' ? VFIO_IOMMU_TYPES.TYPE1 : VFIO_IOMMU_TYPES.TYPE1v2;
  await calls.need(command.ioctlValue(container, request('SET_IOMMU'), type), 'SET_IOMMU');
  if (!wanted.open) return { container, deviceFile: -1, device: wanted };

  const name = new Uint8Array(Buffer.from(`${bound.bdf}\0`));
  const { result: deviceFile } = await calls.need(
    command.ioctl(group, request('GROUP_GET_DEVICE_FD'), name),
    'GROUP_GET_DEVICE_FD',
  );
  const context = { container, device: deviceFile, machine: -1, memory: new SessionMemory([]), ioctls };
  const decodeOn = encodeCall({ call: 'decode', on: true }, context);
  if (typeof decodeOn === 'object') await calls.need(decodeOn.commands[0]!, 'the command register');
  const device = await withPageNeighbours(machine, wanted, session.pageSize);
  return { container, deviceFile, device: await mmapBars(calls, device, deviceFile, session.pageSize) };
}

/** Mmaps every memory BAR whole, where the kernel lets it; `mmapFlag` tells where it did. */
async function mmapBars(
  calls: AgentCalls,
  device: SessionDevice,
  descriptor: number,
  pageSize: bigint,
): Promise<SessionDevice> {
  const bars = [];
  for (const bar of device.bars) {
    if (bar.type === 'io') {
      bars.push(bar);
      continue;
    }
    const answer = await calls.ask(
      command.mmap({
        address: barAddress(bar.index),
        length: bar.size < pageSize ? pageSize : bar.size,
        protection: PROT.READ | PROT.WRITE,
        flags: MAP.SHARED | MAP.FIXED,
        descriptor,
        offset: BigInt(bar.index) << 40n,
      }),
    );
    bars.push({ ...bar, mmapFlag: answer.kind === 'returned' && answer.result >= 0 });
  }
  return { ...device, bars };
}

const PROTECTION: Readonly<Record<string, number>> = {
  ram: PROT.READ | PROT.WRITE,
  readonly: PROT.READ,
  noaccess: PROT.NONE,
};

async function makeMemory(calls: AgentCalls, areas: readonly Area[]): Promise<void> {
  for (const { name, address, size } of areas) {
    const protection = PROTECTION[name];
    if (protection === undefined) continue;
    const flags = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED;
    const text = command.mmap({ address, length: size, protection, flags, descriptor: -1, offset: 0n });
    await calls.need(text, `the memory ${name}`);
  }
}

async function type1Info(
  calls: AgentCalls,
  container: number,
  session: SessionOn<'type1' | 'type1v2'>,
): Promise<Type1Info> {
  const text = command.ioctl(container, vfioRequest('IOMMU_GET_INFO', ioctlsOf(session)), type1InfoRequest());
  const { pageSizes, iovaRanges } = readType1Info((await calls.need(text, 'IOMMU_GET_INFO')).data);
  return { pageSizes, iovaRanges, dmaEntryLimit: session.info.dmaEntryLimit };
}

/** What KVM_CREATE_VM's argument 0 stands for on arm64: KVM_VM_TYPE_ARM_IPA_SIZE_MASK is its low byte. */
const DEFAULT_IPA_BITS = 40;

async function openKvm(
  calls: AgentCalls,
  session: SessionOn<'kvm'>,
): Promise<{ readonly file: number; readonly info: KvmInfo }> {
  const { CREATE_VM, CHECK_EXTENSION } = kvmRequests(ioctlsOf(session));
  const { result: kvm } = await calls.need(command.open('/dev/kvm'), '/dev/kvm');
  const { vmType } = session.info;
  const { result: file } = await calls.need(command.ioctlValue(kvm, CREATE_VM, vmType), 'KVM_CREATE_VM');
  const capability = async (number: number): Promise<number> =>
    (await calls.need(command.ioctlValue(file, CHECK_EXTENSION, number), 'KVM_CHECK_EXTENSION')).result;
  return {
    file,
    info: {
      nrMemslots: await capability(KVM_CAPABILITIES.NR_MEMSLOTS),
      readonlyMem: (await capability(KVM_CAPABILITIES.READONLY_MEM)) === 1,
      vmType,
      gpaBits: session.arch === 'x86_64' ? await physicalBits(calls) : vmType & 0xff || DEFAULT_IPA_BITS,
    },
  };
}

async function physicalBits(calls: AgentCalls): Promise<number> {
  const [, bits] = /address sizes\s*: (\d+) bits physical/.exec(await calls.readFile('/proc/cpuinfo')) ?? [];
  return Number(bits);
}
