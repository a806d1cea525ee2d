import { GENERIC_IOCTLS, POWERPC_IOCTLS } from '../../host/abi/index.ts';
import { command, MAP, PROT } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import type { Area, HostSession } from '../session/host-session.ts';
import { barAreas, SessionMemory } from '../session/memory-areas.ts';
import { AgentCalls } from './agent-calls.ts';
import type { CallContext } from './encoded-call.ts';
import { openIommufd } from './open-iommufd.ts';
import { openKvm } from './open-kvm.ts';
import { openSpapr } from './open-spapr.ts';
import { openVfio, type1Info } from './open-vfio.ts';
import type { BoundDevice } from './plugged-device.ts';

/** A session whose container is open in a kernel. */
export interface PreparedSession {
  /** The session; its `info` is what this kernel reported. */
  readonly session: HostSession;
  readonly context: CallContext;
}

/**
 * Prepares a session in a kernel: maps its memory, and opens its container or virtual machine and its device.
 *
 * @throws PreparationFailed when the kernel refuses a step
 */
export async function prepareSession(
  machine: LinuxMachine,
  session: HostSession,
  bound: BoundDevice,
): Promise<PreparedSession> {
  const ioctls = session.arch === 'ppc64le' ? POWERPC_IOCTLS : GENERIC_IOCTLS;
  const anonymous = session.areas.filter(({ name }) => !name.startsWith('bar'));
  await new AgentCalls(machine).needAll([
    [command.endCase(), 'the end of the previous session'],
    ...memoryCommands(anonymous),
  ]);
  if (session.container === 'spapr-tce-v2') {
    const { container, info } = await openSpapr(machine, bound, ioctls);
    const device = { ...bound.device, open: false };
    return {
      session: { ...session, kernel: machine.kernel.release, device, info },
      context: { container, device: -1, machine: -1, memory: new SessionMemory(session.areas), ioctls },
    };
  }
  if (session.container === 'iommufd') {
    const { file, space, deviceFile, device, info } = await openIommufd(machine, session, bound, ioctls);
    const areas = [...anonymous, ...barAreas(device, session.pageSize)];
    const memory = new SessionMemory(areas);
    return {
      session: { ...session, kernel: machine.kernel.release, device, areas, info },
      context: { container: file, device: deviceFile, machine: -1, addressSpace: space, memory, ioctls },
    };
  }
  const { container, deviceFile, device } = await openVfio(machine, session, bound, ioctls);
  const areas = [...anonymous, ...barAreas(device, session.pageSize)];
  const context = { container, device: deviceFile, machine: -1, memory: new SessionMemory(areas), ioctls };
  const common = { kernel: machine.kernel.release, device, areas };
  switch (session.container) {
    case 'type1v2':
    case 'type1': {
      const info = await type1Info(machine, container, session, ioctls);
      return { session: { ...session, ...common, info }, context };
    }
    case 'kvm': {
      const { file, info } = await openKvm(machine, session, ioctls);
      return { session: { ...session, ...common, info }, context: { ...context, machine: file } };
    }
    default:
      return { session: { ...session, ...common } as HostSession, context };
  }
}

const PROTECTION: Readonly<Record<string, number>> = {
  ram: PROT.READ | PROT.WRITE,
  readonly: PROT.READ,
  noaccess: PROT.NONE,
};

/** The commands that map the memory of a session. */
const memoryCommands = (areas: readonly Area[]): (readonly [text: string, what: string])[] =>
  areas.flatMap(({ name, address, size }) => {
    const protection = PROTECTION[name];
    if (protection === undefined) return [];
    const flags = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED;
    const text = command.mmap({ address, length: size, protection, flags, descriptor: -1, offset: 0n });
    return [[text, `the memory ${name}`] as const];
  });

/** In bytes: more than the areas of a session take. */
const MEMORY_OF_SESSION = 1n << 24n;

/**
 * The session with memory at addresses of its own. A block that was unregistered while it was mapped stays in the
 * process after its container is gone (host fact D5), and a later session would find it.
 *
 * @param number of the session in the process, from 0
 */
export function withOwnMemory(session: HostSession, number: number): HostSession {
  if (session.container !== 'spapr-tce-v2') return session;
  const areas = session.areas.map((area) =>
    area.name === 'abs' ? area : { ...area, address: area.address + BigInt(number) * MEMORY_OF_SESSION },
  );
  return { ...session, areas };
}
