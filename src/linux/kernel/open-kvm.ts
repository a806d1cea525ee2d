import { KVM_CAPABILITIES, kvmRequests, type IoctlEncoding } from '../../host/abi/index.ts';
import { command } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import type { KvmInfo, SessionOn } from '../session/host-session.ts';
import { AgentCalls } from './agent-calls.ts';

/** The width of a guest-physical address on arm64, in bits, if the low byte of KVM_CREATE_VM's argument is 0. */
const DEFAULT_IPA_BITS = 40;

const { NR_MEMSLOTS, READONLY_MEM, MULTI_ADDRESS_SPACE } = KVM_CAPABILITIES;
/** The capabilities that a session has in `info`. */
const CAPABILITIES = [NR_MEMSLOTS, READONLY_MEM, MULTI_ADDRESS_SPACE];

/**
 * Creates a virtual machine of KVM.
 *
 * @returns the descriptor of the machine, and the limits that KVM reports
 * @throws PreparationFailed when the kernel refuses a step, for instance because it has no KVM
 */
export async function openKvm(
  machine: LinuxMachine,
  session: SessionOn<'kvm'>,
  ioctls: IoctlEncoding,
): Promise<{ readonly file: number; readonly info: KvmInfo }> {
  const calls = new AgentCalls(machine);
  const { CREATE_VM, CHECK_EXTENSION } = kvmRequests(ioctls);
  const { vmType } = session.info;
  const { result: kvm } = await calls.need(command.open('/dev/kvm'), '/dev/kvm');
  const { result: file } = await calls.need(command.ioctlValue(kvm, CREATE_VM, vmType), 'KVM_CREATE_VM');
  const [slots, readonlyMem, addressSpaces] = await calls.needAll(
    CAPABILITIES.map(
      (number) => [command.ioctlValue(file, CHECK_EXTENSION, number), 'KVM_CHECK_EXTENSION'] as const,
    ),
  );
  return {
    file,
    info: {
      nrMemslots: slots!.result,
      readonlyMem: readonlyMem!.result === 1,
      addressSpaces: addressSpaces!.result,
      vmType,
      gpaBits: session.arch === 'x86_64' ? await physicalBits(calls) : vmType & 0xff || DEFAULT_IPA_BITS,
    },
  };
}

/** The width of the CPU's physical addresses (MAXPHYADDR), in bits. */
async function physicalBits(calls: AgentCalls): Promise<number> {
  const [, bits] = /address sizes\s*: (\d+) bits physical/.exec(await calls.readFile('/proc/cpuinfo')) ?? [];
  return Number(bits);
}
