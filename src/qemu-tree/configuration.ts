/** How a QEMU is configured. */
export interface Configuration {
  /** For people, and for the key of the cache. */
  readonly name: string;
  /** The lines of a file in configs/devices; QEMU's own defaults where left out. */
  readonly devices?: readonly string[];
  /** Words for configure beside those of every configuration. */
  readonly words: readonly string[];
}

/** The name of our file in configs/devices/x86_64-softmmu. */
export const DEVICES_NAME = 'barproof';
export const TARGET = 'x86_64-softmmu';
export const PROGRAM = 'qemu-system-x86_64';

/** What the machines and devices of a scenario need (src/qemu/guest/machine-driver.ts), and devices of tests. */
const DEVICES = [
  'I440FX',
  'Q35',
  'PCI_BRIDGE',
  'PCIE_PORT',
  'PCIE_PCI_BRIDGE',
  'IOH3420',
  'XIO3130',
  'PXB',
  'VFIO_PCI',
  'VFIO_IGD',
  'VFIO_USER',
  'IOMMUFD',
  'PCI_TESTDEV',
  'EDU',
  // The bridges link with CXL alone (10.2).
  'CXL',
  'CXL_MEM_DEVICE',
];

const setting = (name: string): string => `CONFIG_${name}=y`;

/**
 * The configurations to try, the fastest to build first. Some commits do not link with few devices, because QEMU's own
 * developers seldom build so: then more devices are built.
 */
export const CONFIGURATIONS: readonly Configuration[] = [
  {
    name: 'few devices',
    devices: DEVICES.map(setting),
    words: ['--without-default-devices', '--disable-tcg'],
  },
  {
    name: 'few devices, and all of PCI',
    devices: [...DEVICES, 'PCI_DEVICES', 'TEST_DEVICES'].map(setting),
    words: ['--without-default-devices', '--disable-tcg'],
  },
  { name: "QEMU's default devices", words: ['--disable-tcg'] },
];

/** Words that every configuration gets. An older configure does not know all of them: it gets those that it knows. */
export const COMMON_WORDS = [
  `--target-list=${TARGET}`,
  '--without-default-features',
  // The kernel's interface is answered by the shim; without it no guest runs (qtest).
  '--enable-kvm',
  '--enable-pie',
  // A warning of a newer compiler is no fault of the patch.
  '--disable-werror',
  '--disable-docs',
  '--disable-tools',
  '--disable-download',
  // Blobs are read from the source; installing them would unpack megabytes.
  '--disable-install-blobs',
  '-Doptimization=0',
  '-Ddebug=false',
  // The call stack of a signal names functions that the program exports, as those of a QEMU with modules.
  '--extra-ldflags=-rdynamic',
  // The line tables name the place of a signal. Behind the options of QEMU itself, these ones win.
  '--extra-cflags=-O0 -g1',
];
