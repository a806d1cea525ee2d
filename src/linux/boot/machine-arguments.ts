import type { Architecture } from '../../qemu/process/index.ts';
import type { EmulatedIommu } from '../emulated-iommus.ts';
import type { HostArchitecture } from '../session/host-session.ts';

/** QEMU's machine for kernels of one architecture. */
interface MachineForm {
  readonly qemu: Architecture;
  readonly machine: readonly string[];
  readonly cpu: string;
  readonly console: string;
  /** Arguments of the kernel's command line, beside those of every architecture. */
  readonly commandLine: readonly string[];
}

const MACHINES: Readonly<Record<HostArchitecture, MachineForm>> = {
  x86_64: {
    qemu: 'x86_64',
    // Interrupt remapping needs an interrupt controller that QEMU itself emulates.
    machine: ['q35', 'kernel-irqchip=off'],
    // TCG emulates AMD's SVM, so KVM works in this machine.
    cpu: 'EPYC,+svm',
    console: 'ttyS0',
    commandLine: ['intel_iommu=on', 'mitigations=off', 'no_timer_check', 'tsc=reliable'],
  },
  aarch64: {
    qemu: 'aarch64',
    machine: ['virt', 'gic-version=3', 'virtualization=on'],
    cpu: 'max,pauth-impdef=on',
    console: 'ttyAMA0',
    commandLine: [],
  },
  ppc64le: {
    qemu: 'ppc64',
    machine: ['pseries', 'cap-htm=off'],
    cpu: 'power9',
    console: 'hvc0',
    commandLine: [],
  },
};

/** The memory of a machine in MiB. */
const MEMORY_MIB = 1024;

/** How many devices can be plugged into a machine before the machine has to be booted again. */
export const PORTS = 12;

/** The address space that firmware reserves for the device of a port. */
const PORT_RESERVE = ['io-reserve=0', 'mem-reserve=32M', 'pref64-reserve=4G'];

/** The first slot of the root bus that has ports. Eight ports share a slot, one for each function. */
const FIRST_PORT_SLOT = 8;
const FUNCTIONS = 8;

/** The PCI address of a port on the root bus. */
export const portAddress = (port: number): { readonly slot: number; readonly function: number } => ({
  slot: FIRST_PORT_SLOT + Math.floor(port / FUNCTIONS),
  function: port % FUNCTIONS,
});

/** The id of a port's bus in QEMU. */
export const portBus = (port: number): string => `port${port}`;

const portArguments = (port: number): string[] => {
  const { slot, function: number } = portAddress(port);
  const words = [
    ...[
      'pcie-root-port',
      `id=${portBus(port)}`,
      `chassis=${port + 1}`,
      `addr=${slot.toString(16)}.${number}`,
    ],
    ...(number === 0 ? ['multifunction=on'] : []),
    ...PORT_RESERVE,
  ];
  return ['-device', words.join(',')];
};

/** The files and sockets of a machine. */
export interface MachineFiles {
  readonly kernel: string;
  readonly initramfs: string;
  /** The socket of the connection to the agent. */
  readonly agentSocket: string;
  /** The sockets of further connections, to programs: `/dev/vport0p2` in the kernel, and so on. */
  readonly programSockets?: readonly string[];
}

/** QEMU's name of an architecture. */
export const qemuArchitecture = (architecture: HostArchitecture): Architecture => MACHINES[architecture].qemu;

/** QEMU's arguments for a machine that boots a kernel behind an IOMMU. */
export function machineArguments(
  iommu: EmulatedIommu,
  { kernel, initramfs, agentSocket, programSockets = [] }: MachineFiles,
): string[] {
  const { machine, cpu, console: terminal, commandLine } = MACHINES[iommu.architecture];
  const append = [
    ...[`console=${terminal}`, 'nokaslr', 'iommu.strict=1'],
    // An oops is a panic, and after a panic the kernel reboots at once. With -no-reboot that ends QEMU.
    ...['panic=-1', 'oops=panic'],
    ...commandLine,
  ];
  return [
    ...['-machine', [...machine, 'memory-backend=ram', ...iommu.machine].join(',')],
    ...['-cpu', cpu, '-smp', '1', '-m', `${MEMORY_MIB}M`, '-no-reboot'],
    // QEMU passes the guest's memory to the vfio-user server as a descriptor.
    ...['-object', `memory-backend-memfd,id=ram,size=${MEMORY_MIB}M,share=on`],
    ...['-kernel', kernel, '-initrd', initramfs, '-append', append.join(' ')],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci,addr=1e.0', '-chardev', `socket,id=agent,path=${agentSocket}`],
    ...['-device', 'virtserialport,chardev=agent,name=agent'],
    ...programSockets.flatMap((path, index) => [
      ...['-chardev', `socket,id=program${index},path=${path}`],
      ...['-device', `virtserialport,chardev=program${index},name=program${index}`],
    ]),
    ...iommu.arguments,
    ...(iommu.fixedDevice === undefined
      ? Array.from({ length: PORTS }, (_, port) => portArguments(port)).flat()
      : []),
  ];
}
