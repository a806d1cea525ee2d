import type { MachineType } from '../../scenario/index.ts';

/** The guest architectures, by the names in QEMU's programs. */
export const ARCHITECTURES = ['x86_64', 'aarch64', 'ppc64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** Whether the text names one of the architectures. */
export const isArchitecture = (text: string): text is Architecture =>
  (ARCHITECTURES as readonly string[]).includes(text);

/** The machines of scenarios that QEMU has. */
export type QemuMachineType = Exclude<MachineType, 'generic'>;

const ARCHITECTURE_OF: Readonly<Record<QemuMachineType, Architecture>> = {
  pc: 'x86_64',
  q35: 'x86_64',
  virt: 'aarch64',
  pseries: 'ppc64',
};

/** All machines of scenarios that QEMU has. */
export const QEMU_MACHINES = Object.keys(ARCHITECTURE_OF) as readonly QemuMachineType[];

/** Whether QEMU has the machine. */
export const isQemuMachine = (type: MachineType): type is QemuMachineType => type in ARCHITECTURE_OF;

/** The architecture of a machine. */
export const architectureOf = (type: QemuMachineType): Architecture => ARCHITECTURE_OF[type];

/** The name of the program that emulates `architecture`. */
export const programName = (architecture: Architecture): string => `qemu-system-${architecture}`;
