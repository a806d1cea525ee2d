import type { Gpa, HostAddress, Iova, Offset, Range, Size } from '../address/index.ts';
import type { Backing, Errno, Memslot } from '../host/index.ts';

/** Why the DMA listener maps nothing of a section of RAM. */
export type SkipReason =
  /** The section starts in the upper half of the address space (vfio fact 6.1). */
  | 'top-half'
  /** The RAM is protected: no device may reach it (vfio fact 6.1). */
  | 'protected'
  /** Address and offset in the region differ within the unit of trimming (vfio fact 6.2). */
  | 'incongruent'
  /** Trimming leaves no whole unit (vfio fact 6.3). */
  | 'empty'
  /** The section is device memory, and not made of whole IOMMU pages (vfio fact 6.6). */
  | 'iommu-page'
  /** Reasons of proposed patches; a patch may name its own. */
  | 'ram-device'
  | 'unaligned'
  | 'no-mmio-dma-map'
  | (string & {});

/** VFIO_IOMMU_MAP_DMA, IOMMU_IOAS_MAP or VFIO_USER_DMA_MAP. `errno` is the host's answer, 0 for success. */
export interface DmaMapEvent {
  readonly type: 'dma-map';
  readonly container: string;
  readonly iova: Iova;
  readonly size: Size;
  /** Where the mapped memory lies in the VMM; `undefined` where a real VMM does not report the address. */
  readonly hostAddress: HostAddress | undefined;
  readonly readonly: boolean;
  /** Whether the mapped memory is an mmapped BAR; otherwise it is RAM. */
  readonly deviceMemory: boolean;
  readonly backing: Backing;
  readonly errno: Errno;
  /** Set where the error is a fault of the scenario's host. */
  readonly injected?: true;
}

/** VFIO_IOMMU_UNMAP_DMA, IOMMU_IOAS_UNMAP or VFIO_USER_DMA_UNMAP. */
export interface DmaUnmapEvent {
  readonly type: 'dma-unmap';
  readonly container: string;
  readonly iova: Iova;
  readonly size: Size;
  /** Bytes that were mapped before the request and are not any more. */
  readonly unmapped: Size;
  readonly errno: Errno;
  /** Set where the error is a fault of the scenario's host. */
  readonly injected?: true;
}

/** The listener found a section of RAM, of which it does not ask the host to map anything. */
export interface SkipEvent {
  readonly type: 'skip';
  readonly container: string;
  readonly reason: SkipReason;
  readonly start: bigint;
  readonly size: Size;
  readonly region: string;
  readonly deviceMemory: boolean;
}

/** KVM_SET_USER_MEMORY_REGION; size 0 deletes the slot. */
export interface MemslotEvent {
  readonly type: 'memslot';
  readonly slot: Memslot;
  readonly errno: Errno;
  /** Set where the error is a fault of the scenario's host. */
  readonly injected?: true;
}

/** KVM_GET_DIRTY_LOG: the VMM fetches which pages of a slot the guest has written. */
export interface DirtyLogEvent {
  readonly type: 'dirty-log';
  /** The number of the slot. */
  readonly slot: number;
  readonly gpa: Gpa;
  readonly size: Size;
}

/** VFIO_DEVICE_FEATURE_DMA_LOGGING_START: the devices of a container log which pages of the ranges they write. */
export interface DirtyTrackingEvent {
  readonly type: 'dirty-tracking';
  readonly container: string;
  /** By rising start; they may overlap. */
  readonly ranges: readonly Range[];
}

/** mmap of an area of a BAR into the VMM. */
export interface MmapEvent {
  readonly type: 'mmap';
  readonly device: string;
  readonly bar: number;
  readonly offset: Offset;
  readonly size: Size;
  /** The offset in the BAR at which the guest sees the area; `offset` when left out. */
  readonly shownAt?: Offset;
  /** False for an mmap that can only be read (PROT_READ); left out for one that can be written, too. */
  readonly writable?: false;
  readonly errno: Errno;
  /** Set where the error is a fault of the scenario's host. */
  readonly injected?: true;
}

/** munmap of an area that an mmap has mapped before. */
export interface MunmapEvent {
  readonly type: 'munmap';
  readonly device: string;
  readonly bar: number;
  readonly offset: Offset;
  readonly size: Size;
}

/** VFIO_IOMMU_SPAPR_TCE_CREATE or _REMOVE. */
export interface WindowEvent {
  readonly type: 'window-create' | 'window-remove';
  readonly container: string;
  readonly start: bigint;
  readonly size: Size;
  /** The page of a requested window in bytes; left out where the VMM makes no request. */
  readonly pageSize?: Size;
  /** Whether the section that asks for the window is device memory. */
  readonly deviceMemory: boolean;
  readonly errno: Errno;
}

/**
 * VFIO_IOMMU_SPAPR_REGISTER_MEMORY or _UNREGISTER_MEMORY: guest RAM must be registered before it is mapped.
 */
export interface RegisterMemoryEvent {
  readonly type: 'register-memory' | 'unregister-memory';
  readonly container: string;
  readonly hostAddress: HostAddress;
  readonly size: Size;
  readonly errno: Errno;
}

/** What a part of an access reached. An offset counts from the first byte of what is named. */
export type Reached =
  /** Memory that is directly at hand: a memslot, or memory that the VMM itself loads from and stores to. */
  | {
      readonly kind: 'memory';
      readonly region: string;
      readonly owner: string | undefined;
      readonly offset: Offset;
    }
  /** The device's own BAR: the VMM has read or written it by a call to the host. */
  | { readonly kind: 'device'; readonly device: string; readonly bar: number; readonly offset: Offset }
  /** The emulated MSI-X table. */
  | { readonly kind: 'msix-table'; readonly device: string; readonly offset: Offset }
  /** The emulated PBA. `polled` are the vectors whose pending bits the VMM asked for before a read. */
  | {
      readonly kind: 'msix-pba';
      readonly device: string;
      readonly offset: Offset;
      readonly polled?: { readonly first: number; readonly end: number };
    }
  /** The device's configuration space, which a part of a BAR mirrors. */
  | { readonly kind: 'config-space'; readonly device: string; readonly offset: Offset }
  /** Registers of the machine, or of a region that the scenario has added. */
  | { readonly kind: 'registers'; readonly region: string; readonly offset: Offset }
  /** No region answers, or the one that does accepts no such access: a read gives no data, a write is dropped. */
  | { readonly kind: 'nothing' };

/** Consecutive bytes of an access that the VMM, or KVM, carries out in one go. */
export interface AccessPart {
  /** Guest-physical address of the first byte. */
  readonly address: bigint;
  /** In bytes, 1 to 8. */
  readonly size: number;
  readonly reached: Reached;
}

/** A CPU of the guest reads or writes a BAR. */
export interface AccessEvent {
  readonly type: 'access';
  readonly device: string;
  readonly bar: number;
  readonly offset: Offset;
  /** In bytes: 1, 2, 4 or 8. */
  readonly width: number;
  readonly write: boolean;
  /** Guest-physical address of the first byte. */
  readonly address: bigint;
  /** By rising address. */
  readonly parts: readonly AccessPart[];
}

/**
 * The guest sized a BAR: it wrote `wrote` into the register, of a 64-bit BAR into both halves, and then read `read`. Both
 * are without the type bits.
 */
export interface BarSizedEvent {
  readonly type: 'bar-sized';
  readonly device: string;
  readonly bar: number;
  readonly wrote: bigint;
  readonly read: bigint;
}

/** A line that the VMM prints. */
export interface MessageEvent {
  readonly type: 'message';
  readonly text: string;
}

/** An action of the VMM that an outside observer can see. */
export type VmmEvent =
  | DmaMapEvent
  | DmaUnmapEvent
  | SkipEvent
  | MemslotEvent
  | DirtyLogEvent
  | DirtyTrackingEvent
  | MmapEvent
  | MunmapEvent
  | WindowEvent
  | RegisterMemoryEvent
  | AccessEvent
  | BarSizedEvent
  | MessageEvent;

/** Receives the events of the VMM, in the order of its actions. */
export type EventSink = (event: VmmEvent) => void;
