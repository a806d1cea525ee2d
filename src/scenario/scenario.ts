import type { Offset, Size } from '../address/index.ts';

/** The machines that can be asked for. `generic` is RAM and one PCI window, nothing else. */
export const MACHINE_TYPES = ['pc', 'q35', 'virt', 'pseries', 'generic'] as const;
export type MachineType = (typeof MACHINE_TYPES)[number];

/** Who decides about MSI-X emulation: the machine's own default (pseries does without), or this setting. */
export const MSIX_EMULATIONS = ['machine-default', 'on', 'off'] as const;
export type MsixEmulation = (typeof MSIX_EMULATIONS)[number];

/** The largest page of any host and any guest. */
export const LARGEST_PAGE = 0x1_0000n;

export interface MachineSpec {
  readonly type: MachineType;
  readonly msixEmulation: MsixEmulation;
  /** Bytes of guest RAM; whole host pages. */
  readonly ram: Size;
  /** The host kernel's page: 4 KiB to 64 KiB. */
  readonly hostPageSize: Size;
  /** The smallest page that the guest's kernel uses; 4 KiB to 64 KiB. */
  readonly guestPageSize: Size;
}

/**
 * What vfio-pci in the host's kernel does about the pages of an MSI-X table: `sparse-msix` (before
 * 4.16) cuts them out of what may be mmapped, `msix-mappable` lets them be mmapped too.
 */
export const HOST_KERNELS = ['sparse-msix', 'msix-mappable'] as const;
export type HostKernel = (typeof HOST_KERNELS)[number];

/** The kinds of VFIO container. */
export const IOMMU_TYPES = ['type1', 'iommufd', 'spapr-tce-v2', 'vfio-user'] as const;
export type IommuTypeName = (typeof IOMMU_TYPES)[number];

/** An inclusive range of I/O virtual addresses that the IOMMU translates. */
export interface ApertureSpec {
  readonly start: bigint;
  readonly end: bigint;
}

export interface IommuSpec {
  readonly type: IommuTypeName;
  /** Page sizes of the IOMMU domain; what the container reports follows from them and the host's page. */
  readonly pageSizes: readonly Size[];
  /** What may be mapped; everything when left out. */
  readonly apertures?: readonly ApertureSpec[];
  /** How many mappings may exist at a time. */
  readonly maxMappings?: number;
  /** How many sPAPR DMA windows may exist at a time. */
  readonly maxWindows?: number;
}

export interface HostSpec {
  readonly kernel: HostKernel;
  readonly iommu: IommuSpec;
}

/** I/O or memory, 32 or 64 bits wide; with `p` prefetchable. */
export const BAR_TYPES = ['io', 'mem32', 'mem64', 'mem32p', 'mem64p'] as const;
export type BarTypeName = (typeof BAR_TYPES)[number];

export interface SparseAreaSpec {
  readonly offset: Offset;
  readonly size: Size;
}

export interface BarSpec {
  /** 0 to 5. */
  readonly index: number;
  /** What the host reports; hardware has powers of two, a vfio-user server may say anything. */
  readonly size: Size;
  readonly type: BarTypeName;
  /** Whether the host could let it be mmapped at all. */
  readonly mmap: boolean;
  /** An explicit sparse-mmap capability: these areas and no others may be mmapped. */
  readonly sparse?: readonly SparseAreaSpec[];
}

export interface MsixSpec {
  /** 1 to 2048. */
  readonly vectors: number;
  /** The BIR: 0 to 7, although only 0 to 5 name a BAR. */
  readonly tableBar: number;
  /** A multiple of 8 below 2^32, within the BAR or not. */
  readonly tableOffset: Offset;
  readonly pbaBar: number;
  readonly pbaOffset: Offset;
}

/** Where MSI-X tables may be relocated to. */
export const RELOCATIONS = ['off', 'auto', 'bar0', 'bar1', 'bar2', 'bar3', 'bar4', 'bar5'] as const;
export type Relocation = (typeof RELOCATIONS)[number];

/** Properties of the device on the VMM's command line. */
export interface DeviceOptionsSpec {
  readonly 'x-msix-relocation'?: Relocation;
  readonly 'x-no-mmap'?: boolean;
  /** Only the proposal `seed-v2+device-property` looks at it. */
  readonly 'x-no-msix-emulation'?: boolean;
}

export interface DeviceSpec {
  readonly id: string;
  /** First word of the names of the device's regions; `0001:03:00.0` in the seed's dumps. */
  readonly name: string;
  /** PCI vendor and device id; some devices are known to report wrong offsets. */
  readonly vendor: number;
  readonly device: number;
  readonly bars: readonly BarSpec[];
  readonly msix?: MsixSpec;
  readonly options: DeviceOptionsSpec;
}

/** What an overlay region is made of. */
export const OVERLAY_KINDS = ['ram', 'rom', 'io'] as const;
export type OverlayKind = (typeof OVERLAY_KINDS)[number];

/** One thing that the guest, the operator or the machine does. */
export type Operation =
  /** The guest programs a BAR; a 64-bit one in two writes, low half first. */
  | { readonly op: 'set-bar'; readonly device: string; readonly bar: number; readonly address: bigint }
  /** The guest sizes a BAR: all ones into each half in turn, restored afterwards. */
  | { readonly op: 'size-bar'; readonly device: string; readonly bar: number }
  /** The guest sets or clears the memory bit of COMMAND. */
  | { readonly op: 'enable-memory' | 'disable-memory'; readonly device: string }
  | { readonly op: 'enable-msix' | 'disable-msix'; readonly device: string }
  /** The guest writes the vector control word of an MSI-X table entry. */
  | {
      readonly op: 'mask-vector';
      readonly device: string;
      readonly vector: number;
      readonly masked: boolean;
    }
  /** A device whose first plugging operation is `hotplug` is not there at the start. */
  | { readonly op: 'hotplug' | 'unplug'; readonly device: string }
  /** The machine is reset. */
  | { readonly op: 'reset' }
  /** A region is put on top of system memory, or taken away again. */
  | {
      readonly op: 'add-region';
      readonly name: string;
      readonly kind: OverlayKind;
      readonly address: bigint;
      readonly size: Size;
      readonly priority: number;
    }
  | { readonly op: 'remove-region'; readonly name: string }
  /** What lies between the two is one memory transaction. */
  | { readonly op: 'begin' | 'commit' };

/** The names of the operations. */
export const OPERATIONS = [
  'set-bar',
  'size-bar',
  'enable-memory',
  'disable-memory',
  'enable-msix',
  'disable-msix',
  'mask-vector',
  'hotplug',
  'unplug',
  'reset',
  'add-region',
  'remove-region',
  'begin',
  'commit',
] as const satisfies readonly Operation['op'][];

/** A machine, a host, the devices passed through, and what happens to them: all that a target needs. */
export interface Scenario {
  readonly version: 1;
  readonly machine: MachineSpec;
  /** Id of the VMM's revision. */
  readonly revision: string;
  readonly host: HostSpec;
  readonly devices: readonly DeviceSpec[];
  readonly operations: readonly Operation[];
}

/** Whether the device is there when the machine starts: its first plugging operation, if any, is no hotplug. */
export function isColdPlugged(scenario: Scenario, device: string): boolean {
  const first = scenario.operations.find(
    (operation) => (operation.op === 'hotplug' || operation.op === 'unplug') && operation.device === device,
  );
  return first?.op !== 'hotplug';
}

/** The devices that are there when the machine starts. */
export const coldPlugged = (scenario: Scenario): readonly DeviceSpec[] =>
  scenario.devices.filter(({ id }) => isColdPlugged(scenario, id));
