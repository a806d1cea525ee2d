import type { KvmArchitecture, OtherRegions } from '../../host/index.ts';
import type { BarType } from '../../pci-layout/index.ts';
import type { ContainerKind } from './call-forms.ts';
import type { AnsweredCall, HostCall } from './host-call.ts';

/** The architectures of hosts, as `uname -m` names them. */
export const HOST_ARCHITECTURES = ['x86_64', 'aarch64', 'ppc64le'] as const;
export type HostArchitecture = (typeof HOST_ARCHITECTURES)[number];

/** The host model's name of each architecture. */
export const KVM_ARCHITECTURE = {
  x86_64: 'x86',
  aarch64: 'arm64',
  ppc64le: 'power',
} as const satisfies Record<HostArchitecture, KvmArchitecture>;

/** Another resource of the host's `/proc/iomem` in the page of a BAR; both ends included. */
export interface PageNeighbour {
  readonly first: bigint;
  readonly last: bigint;
  readonly name: string;
}

/** A BAR of the device on the host. */
export interface SessionBar {
  readonly index: number;
  /** In bytes, a power of two. */
  readonly size: bigint;
  readonly type: BarType;
  readonly prefetch: boolean;
  /** The host-physical address; `undefined` before the host assigns one. */
  readonly start: bigint | undefined;
  /**
   * Whether the kernel allowed an mmap of the whole BAR; `undefined` if it was not asked. After a refusal the BAR
   * has no memory area that a `ProcessAddress` could name. The model computes its own answer to region-info and mmap.
   */
  readonly mmapFlag: boolean | undefined;
  /** For a BAR below the page size: the other resources in its page. */
  readonly othersInPage: readonly PageNeighbour[];
}

/** Where the MSI-X table or the PBA lies. */
export interface SessionMsixPart {
  readonly bir: number;
  readonly offset: bigint;
}

/** The device whose group is in the container. */
export interface SessionDevice {
  /** Its PCI address on the host; empty before the host assigns one. */
  readonly bdf: string;
  /** Whether its file is open, its BARs mmapped and its memory decode on before the first call. */
  readonly open: boolean;
  readonly bars: readonly SessionBar[];
  /** The regions of vfio-pci beside the BARs. */
  readonly otherRegions: OtherRegions;
  readonly msix:
    { readonly vectors: number; readonly table: SessionMsixPart; readonly pba: SessionMsixPart } | undefined;
}

/** An area of the process's memory that a `ProcessAddress` may name. */
export interface Area {
  /** `ram`, `readonly`, `hole`, `noaccess`, `abs`, or `bar<i>` for an mmap of BAR i. */
  readonly name: string;
  readonly address: bigint;
  /** In bytes; 0 for `abs`. */
  readonly size: bigint;
}

/** What the host reported of a type1 container. */
export interface Type1Info {
  /** The page sizes that GET_INFO reports. */
  readonly pageSizes: bigint;
  /** The valid-IOVA list, both ends included. */
  readonly iovaRanges: readonly (readonly [first: bigint, last: bigint])[];
  /** The module parameter `dma_entry_limit` when the container was opened. */
  readonly dmaEntryLimit: number;
}

/** What the host reported of a KVM virtual machine. */
export interface KvmInfo {
  /** KVM_CAP_NR_MEMSLOTS. */
  readonly nrMemslots: number;
  /** KVM_CAP_READONLY_MEM. */
  readonly readonlyMem: boolean;
  /** KVM_CAP_MULTI_ADDRESS_SPACE, 0 for a single address space; `undefined` for as many as the architecture has. */
  readonly addressSpaces: number | undefined;
  /** The argument of KVM_CREATE_VM: on arm64 the bits of a guest-physical address, where 0 is 40. */
  readonly vmType: number;
  /** The width of guest-physical addresses in bits. */
  readonly gpaBits: number;
}

/** What the host reported of an sPAPR TCE container. */
export interface SpaprInfo {
  readonly defaultWindow: { readonly start: bigint; readonly size: bigint };
  readonly pageSizes: bigint;
  readonly maxDynamicWindows: number;
  readonly levels: number;
}

/** What the host reported of an address space of iommufd. */
export interface IommufdInfo {
  /** Whether the device is attached before the first call. */
  readonly attached: boolean;
  /** The page sizes of the device's domain. */
  readonly pageSizes: bigint;
  readonly iovaRanges: readonly (readonly [first: bigint, last: bigint])[];
}

interface InfoOf {
  readonly type1v2: Type1Info;
  readonly type1: Type1Info;
  readonly kvm: KvmInfo;
  readonly 'spapr-tce-v2': SpaprInfo;
  readonly iommufd: IommufdInfo;
  readonly region: object;
}

/** A call, and the kernel's answer where the session was recorded. */
export interface SessionStep {
  readonly call: HostCall;
  readonly recorded: AnsweredCall | undefined;
}

interface SessionOf<Kind extends ContainerKind> {
  readonly id: number | string;
  /** The seed of a generated session. */
  readonly seed: string | undefined;
  /** The kernel's release, such as `6.12.117+deb13-amd64`, or its version alone: `6.12`. */
  readonly kernel: string;
  readonly arch: HostArchitecture;
  /** The host kernel's page size in bytes. */
  readonly pageSize: bigint;
  /** The emulated IOMMU: a name of `EMULATED_IOMMUS`, or another. */
  readonly iommu: string;
  readonly container: Kind;
  readonly info: InfoOf[Kind];
  readonly device: SessionDevice;
  readonly areas: readonly Area[];
  readonly steps: readonly SessionStep[];
}

/** A session: calls on one container or virtual machine, in order. */
export type HostSession = { [Kind in ContainerKind]: SessionOf<Kind> }[ContainerKind];

/** The session on a kind of container. */
export type SessionOn<Kind extends ContainerKind> = Extract<HostSession, { container: Kind }>;
