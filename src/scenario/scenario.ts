import type { Offset, Size } from '../address/index.ts';
import type { FaultSpec } from './fault.ts';
import type { HostKernel } from './host-kernel.ts';
import type { Operation } from './operation.ts';

export * from './fault.ts';
export * from './operation.ts';
export {
  ALIAS_KINDS,
  BLOCK_SIZE,
  OVERLAY_KINDS,
  isAliasKind,
  type AliasKind,
  type OverlayKind,
} from './overlay-kinds.ts';

/** The machine types. `generic` has RAM and one PCI window, nothing else. */
export const MACHINE_TYPES = ['pc', 'q35', 'virt', 'pseries', 'generic'] as const;
export type MachineType = (typeof MACHINE_TYPES)[number];

/** Whether QEMU emulates MSI-X tables. By `machine-default` every machine but pseries does. */
export const MSIX_EMULATIONS = ['machine-default', 'on', 'off'] as const;
export type MsixEmulation = (typeof MSIX_EMULATIONS)[number];

/** The largest page of a host and of a guest, in bytes. */
export const LARGEST_PAGE = 0x1_0000n;

/** Who made the CPU. */
export const CPU_VENDORS = ['intel', 'amd', 'arm', 'power'] as const;
export type CpuVendor = (typeof CPU_VENDORS)[number];

/** The CPU of guest and host: QEMU runs with `-cpu host`, or with a CPU of the same vendor and width. */
export interface CpuSpec {
  readonly vendor: CpuVendor;
  /** Bits of a physical address, 32 to 64. On arm64 those of a guest-physical address (IPA). */
  readonly physBits: number;
}

export interface MachineSpec {
  readonly type: MachineType;
  /** `cpuOf` says what stands for it when left out. */
  readonly cpu?: CpuSpec;
  /** pc and q35: bytes of the 64-bit PCI hole (`pci-hole64-size`); 2 GiB on pc and 32 GiB on q35 when left out. */
  readonly pciHole64Size?: Size;
  /** virt: bytes of the PCI window above RAM (`highmem-mmio-size`), a power of two; 512 GiB when left out. */
  readonly highmemMmioSize?: Size;
  readonly msixEmulation: MsixEmulation;
  /** Guest RAM in bytes: a multiple of the host page size, from 64 KiB to 4 TiB. */
  readonly ram: Size;
  /** The page size of the host kernel in bytes: 4 KiB to 64 KiB. */
  readonly hostPageSize: Size;
  /** The smallest page size of the guest kernel in bytes: 4 KiB to 64 KiB. */
  readonly guestPageSize: Size;
}

/** The kinds of IOMMU behind a VFIO container. */
export const IOMMU_TYPES = ['type1', 'iommufd', 'spapr-tce-v2', 'vfio-user'] as const;
export type IommuTypeName = (typeof IOMMU_TYPES)[number];

/** A range of I/O virtual addresses that the IOMMU translates. */
export interface ApertureSpec {
  readonly start: bigint;
  /** The last address of the range. */
  readonly end: bigint;
}

export interface IommuSpec {
  readonly type: IommuTypeName;
  /** Page sizes of the IOMMU domain in bytes; the container reports a bitmap made of these and the host page size. */
  readonly pageSizes: readonly Size[];
  /** The ranges that may be mapped, in rising order; all addresses when left out. */
  readonly apertures?: readonly ApertureSpec[];
  /**
   * The largest number of mappings at a time: `dma_entry_limit` of type1, or the regions that a vfio-user server
   * accepts. The other kinds have no limit.
   */
  readonly maxMappings?: number;
  /** The largest number of sPAPR DMA windows at a time, 1 to 16; 2 when left out. */
  readonly maxWindows?: number;
}

export interface HostSpec {
  readonly kernel: HostKernel;
  readonly iommu: IommuSpec;
  /** RLIMIT_MEMLOCK in bytes: maps of more RAM fail with ENOMEM (-12). No limit when left out. */
  readonly memlock?: Size;
  /**
   * Offsets in guest RAM, the ends included, of memory that the kernel cannot pin: a map that meets one fails with
   * EFAULT (-14). None when left out.
   */
  readonly unpinnableRam?: readonly ApertureSpec[];
  /** Requests that the kernel does not carry out, whatever it would answer otherwise. None when left out. */
  readonly faults?: readonly FaultSpec[];
}

/** An I/O BAR, or a memory BAR of 32 or 64 bits; `p` stands for prefetchable. */
export const BAR_TYPES = ['io', 'mem32', 'mem64', 'mem32p', 'mem64p'] as const;
export type BarTypeName = (typeof BAR_TYPES)[number];

/** Errors of an mmap of a BAR: its resource is taken, or the process has no room. */
export const MMAP_ERRORS = ['EBUSY', 'ENOMEM'] as const;
export type MmapErrorName = (typeof MMAP_ERRORS)[number];

export interface SparseAreaSpec {
  readonly offset: Offset;
  readonly size: Size;
}

export interface BarSpec {
  /** 0 to 5. */
  readonly index: number;
  /** The size that the host reports, in bytes. Hardware has powers of two; a vfio-user server may report any size. */
  readonly size: Size;
  readonly type: BarTypeName;
  /** Whether the host can allow an mmap of the BAR; vfio-pci allows none of an I/O BAR. */
  readonly mmap: boolean;
  /** The error with which every mmap of the BAR fails although the host allows the mmap. None when left out. */
  readonly mmapError?: MmapErrorName;
  /** False where the kernel can map the BAR for no device's DMA (EFAULT). True when left out. */
  readonly p2p?: boolean;
  /**
   * False where the host offers the BAR read-only (no VFIO_REGION_INFO_FLAG_WRITE), as a mediated device or a
   * vfio-user server may. True when left out.
   */
  readonly writable?: boolean;
  /** The areas of the host's sparse-mmap capability: these and no others may be mmapped. */
  readonly sparse?: readonly SparseAreaSpec[];
}

export interface MsixSpec {
  /** 1 to 2048. */
  readonly vectors: number;
  /** The BIR: 0 to 7, although only 0 to 5 name a BAR. */
  readonly tableBar: number;
  /** A multiple of 8 below 2^32, inside the BAR or beyond its end. */
  readonly tableOffset: Offset;
  readonly pbaBar: number;
  readonly pbaOffset: Offset;
}

/** The expansion ROM of a device. */
export interface RomSpec {
  /** Bytes that its register decodes: a power of two, 2 KiB to 16 MiB. */
  readonly size: Size;
  /**
   * Bytes of the ROM that the host lets the VMM read; `size` when left out. vfio-pci reports all of them, or 0 where it
   * finds no image; a vfio-user server may report any number.
   */
  readonly contents?: Size;
}

/** Where QEMU relocates an MSI-X table to (`x-msix-relocation`). */
export const RELOCATIONS = ['off', 'auto', 'bar0', 'bar1', 'bar2', 'bar3', 'bar4', 'bar5'] as const;
export type Relocation = (typeof RELOCATIONS)[number];

/** Properties of vfio-pci on QEMU's command line; the model of cloud-hypervisor reads `x-no-mmap` alone. */
export interface DeviceOptionsSpec {
  readonly 'x-msix-relocation'?: Relocation;
  readonly 'x-no-mmap'?: boolean;
  /** Only the proposal `seed-v2+device-property` reads this property. */
  readonly 'x-no-msix-emulation'?: boolean;
  /** Whether the guest sees the device's expansion ROM; QEMU hides a few that hang their host when left out. */
  readonly rombar?: boolean;
  /** Bytes of a file that the guest sees in place of the device's expansion ROM, 1 byte to 16 MiB. */
  readonly romfile?: Size;
}

export interface DeviceSpec {
  readonly id: string;
  /** The first word in the names of the device's regions: `0001:03:00.0` in the dumps of the seed thread. */
  readonly name: string;
  /** PCI vendor and device id: QEMU corrects the PBA offset of some devices (vfio fact 5.7). */
  readonly vendor: number;
  readonly device: number;
  /**
   * Whether the device is a VGA controller. QEMU puts mirrors of the configuration space over BARs of some
   * (vfio fact 5.19). False when left out.
   */
  readonly vga?: boolean;
  /** Bytes of configuration space that the host gives access to: 256, or 4096 when left out. */
  readonly configSize?: Size;
  readonly bars: readonly BarSpec[];
  /** The expansion ROM; none when left out. */
  readonly rom?: RomSpec;
  readonly msix?: MsixSpec;
  readonly options: DeviceOptionsSpec;
}

/** A machine, a host, the devices passed through, and the operations on them. A target needs nothing else. */
export interface Scenario {
  readonly version: 1;
  readonly machine: MachineSpec;
  /** The id of a revision of QEMU or of another VMM: `qemu-11.1`. */
  readonly revision: string;
  readonly host: HostSpec;
  readonly devices: readonly DeviceSpec[];
  readonly operations: readonly Operation[];
}

/** Whether the device is plugged in at the start: its first `hotplug` or `unplug`, if there is one, is `unplug`. */
export function isColdPlugged(scenario: Scenario, device: string): boolean {
  const first = scenario.operations.find(
    (operation) => (operation.op === 'hotplug' || operation.op === 'unplug') && operation.device === device,
  );
  return first?.op !== 'hotplug';
}

/** The devices that are plugged in when the machine starts. */
export const coldPlugged = (scenario: Scenario): readonly DeviceSpec[] =>
  scenario.devices.filter(({ id }) => isColdPlugged(scenario, id));
