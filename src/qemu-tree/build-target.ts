import { ARCHITECTURES, programName, type Architecture } from '../qemu/process/index.ts';

/** What runs a guest's CPUs. configure refuses a target for which it finds none. */
export const ACCELERATORS = ['kvm', 'tcg'] as const;

/** One of QEMU's targets (configs/targets), and what is built for it. */
export interface BuildTarget {
  /** By the name in the target's program. */
  readonly architecture: Architecture;
  /** On x86 the kernel's interface is answered by the shim, KVM's too. Other targets have no KVM on an x86 host. */
  readonly accelerator: (typeof ACCELERATORS)[number];
  /** The settings of Kconfig for machines and devices that scenarios need (src/qemu/guest/machine-driver.ts). */
  readonly devices: readonly string[];
  /** Settings that the machines select, of files that DMA and PCI depend on. */
  readonly selected: readonly string[];
  /** The libraries beside those of every target, by their names for pkg-config, and Debian's packages of them. */
  readonly libraries: readonly { readonly name: string; readonly package: string }[];
  /** Folders of files that other targets seldom compile. */
  readonly folders: readonly string[];
  /** The firmware without which the target's machines do not start, and Debian's package of it. */
  readonly firmware?: { readonly file: string; readonly package: string };
}

/** Reads and makes device trees, by which virt and pseries describe themselves to their guests. */
const DEVICE_TREES = { name: 'libfdt', package: 'libfdt-dev' };

/** Devices that cases, and devices of tests, need on every machine. */
const PCI_DEVICES = ['PCI_BRIDGE', 'VFIO_PCI', 'VFIO_USER', 'PCI_TESTDEV', 'EDU'];

/** Devices of machines with PCI Express. */
const EXPRESS_DEVICES = [
  'PCIE_PORT',
  'PCIE_PCI_BRIDGE',
  'IOH3420',
  'XIO3130',
  'PXB',
  'IOMMUFD',
  // The bridges link with CXL alone (10.2).
  'CXL',
  'CXL_MEM_DEVICE',
];

/** The targets that can be built: those of the machines of scenarios. */
export const BUILD_TARGETS: Readonly<Record<Architecture, BuildTarget>> = {
  x86_64: {
    architecture: 'x86_64',
    accelerator: 'kvm',
    devices: ['I440FX', 'Q35', 'VFIO_IGD', ...PCI_DEVICES, ...EXPRESS_DEVICES],
    selected: ['PC', 'PC_PCI', 'PC_ACPI', 'ACPI_PCIHP'],
    libraries: [],
    folders: ['hw/i386/', 'target/i386/'],
    firmware: { file: 'bios-256k.bin', package: 'seabios' },
  },
  aarch64: {
    architecture: 'aarch64',
    accelerator: 'tcg',
    devices: ['ARM_VIRT', ...PCI_DEVICES, ...EXPRESS_DEVICES],
    selected: ['ARM_SMMUV3', 'PCI_EXPRESS_GENERIC_BRIDGE', 'ACPI_PCIHP'],
    libraries: [DEVICE_TREES],
    folders: ['hw/arm/', 'target/arm/'],
  },
  ppc64: {
    architecture: 'ppc64',
    accelerator: 'tcg',
    devices: ['PSERIES', ...PCI_DEVICES],
    selected: ['FDT_PPC', 'XICS', 'XIVE'],
    libraries: [DEVICE_TREES],
    folders: ['hw/ppc/', 'target/ppc/'],
    firmware: { file: 'slof.bin', package: 'qemu-slof' },
  },
};

/** The target that is built where the user names none. */
export const DEFAULT_TARGETS: readonly Architecture[] = ['x86_64'];

/** The targets, each once and in the order of the table: the order in which a user names them makes no other build. */
export const buildTargets = (architectures: readonly Architecture[]): readonly BuildTarget[] =>
  ARCHITECTURES.filter((one) => architectures.includes(one)).map((one) => BUILD_TARGETS[one]);

/** The name by which configure knows the target. */
export const configuredName = ({ architecture }: BuildTarget): string => `${architecture}-softmmu`;

/** The program of the target. */
export const programOf = ({ architecture }: BuildTarget): string => programName(architecture);
