import { REGION_SHIFT, type IoctlEncoding } from '../../host/abi/index.ts';
import { command, MAP, PROT } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import type { SessionDevice } from '../session/host-session.ts';
import { barAddress, SessionMemory } from '../session/memory-areas.ts';
import { AgentCalls } from './agent-calls.ts';
import { encodeCall } from './encode-call.ts';
import { withPageNeighbours } from './plugged-device.ts';

/** The device's file, and the page size of the kernel in bytes. */
export interface OpenDeviceFile {
  readonly descriptor: number;
  readonly pageSize: bigint;
  readonly ioctls: IoctlEncoding;
}

/**
 * Switches the memory decode of an open device on, and mmaps each memory BAR as a whole.
 *
 * @returns the device; `mmapFlag` says of each BAR whether the kernel allowed the mmap
 * @throws PreparationFailed when the kernel refuses to switch the decode on
 */
export async function readyDevice(
  machine: LinuxMachine,
  device: SessionDevice,
  { descriptor, pageSize, ioctls }: OpenDeviceFile,
): Promise<SessionDevice> {
  const context = { container: -1, device: descriptor, machine: -1, memory: new SessionMemory([]), ioctls };
  const decodeOn = encodeCall({ call: 'decode', on: true }, context);
  if (typeof decodeOn === 'object')
    await new AgentCalls(machine).need(decodeOn.commands[0]!, 'the command register');
  return mmapBars(machine, await withPageNeighbours(machine, device, pageSize), descriptor, pageSize);
}

async function mmapBars(
  machine: LinuxMachine,
  device: SessionDevice,
  descriptor: number,
  pageSize: bigint,
): Promise<SessionDevice> {
  const memoryBars = device.bars.filter(({ type }) => type !== 'io');
  const answers = await machine.call(
    memoryBars.map(({ index, size }) =>
      command.mmap({
        address: barAddress(index),
        length: size < pageSize ? pageSize : size,
        protection: PROT.READ | PROT.WRITE,
        flags: MAP.SHARED | MAP.FIXED,
        descriptor,
        offset: BigInt(index) << REGION_SHIFT,
      }),
    ),
  );
  const bars = device.bars.map((bar) => {
    const answer = answers[memoryBars.indexOf(bar)];
    return answer === undefined
      ? bar
      : { ...bar, mmapFlag: answer.kind === 'returned' && answer.result >= 0 };
  });
  return { ...device, bars };
}
