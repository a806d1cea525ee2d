import type { HostAddress, Iova, Offset, Size } from '../address/index.ts';
import type { Backing, Errno, Memslot } from '../host/index.ts';

/** Why the DMA listener left a section of RAM alone. */
export type SkipReason =
  /** Not in ordinary RAM's half of the address space (vfio fact 6.1). */
  | 'top-half'
  /** Address and offset in the region differ within the page (vfio fact 6.2). */
  | 'incongruent'
  /** No whole page is left after trimming (vfio fact 6.3). */
  | 'empty'
  /** Device memory that is not made of whole IOMMU pages (vfio fact 6.6). */
  | 'iommu-page'
  /** Rules of proposed patches; a patch may name reasons of its own. */
  | 'ram-device'
  | 'unaligned'
  | 'no-mmio-dma-map'
  | (string & {});

/** VFIO_IOMMU_MAP_DMA or its like. `errno` is the host's answer, 0 for success. */
export interface DmaMapEvent {
  readonly type: 'dma-map';
  readonly container: string;
  readonly iova: Iova;
  readonly size: Size;
  /** Where the VMM has what is mapped; nothing where a real one keeps that to itself. */
  readonly hostAddress: HostAddress | undefined;
  readonly readonly: boolean;
  /** Whether device memory, and not RAM, is mapped. */
  readonly deviceMemory: boolean;
  readonly backing: Backing;
  readonly errno: Errno;
}

/** VFIO_IOMMU_UNMAP_DMA or its like. */
export interface DmaUnmapEvent {
  readonly type: 'dma-unmap';
  readonly container: string;
  readonly iova: Iova;
  readonly size: Size;
  /** Bytes that were mapped before. */
  readonly unmapped: Size;
  readonly errno: Errno;
}

/** A section of RAM that the listener did not ask the host to map. */
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
}

/** mmap of a stretch of a BAR into the VMM. */
export interface MmapEvent {
  readonly type: 'mmap';
  readonly device: string;
  readonly bar: number;
  readonly offset: Offset;
  readonly size: Size;
  readonly errno: Errno;
}

/** An sPAPR DMA window is made or removed. */
export interface WindowEvent {
  readonly type: 'window-create' | 'window-remove';
  readonly container: string;
  readonly start: bigint;
  readonly size: Size;
  /** Whether it was asked for because of device memory. */
  readonly deviceMemory: boolean;
  readonly errno: Errno;
}

/** sPAPR v2 registers or releases guest RAM before it may be mapped. */
export interface RegisterMemoryEvent {
  readonly type: 'register-memory' | 'unregister-memory';
  readonly container: string;
  readonly hostAddress: HostAddress;
  readonly size: Size;
  readonly errno: Errno;
}

/** A line that the VMM prints. */
export interface MessageEvent {
  readonly type: 'message';
  readonly text: string;
}

/** What the VMM does that can be seen from outside, in the order in which it does it. */
export type VmmEvent =
  | DmaMapEvent
  | DmaUnmapEvent
  | SkipEvent
  | MemslotEvent
  | MmapEvent
  | WindowEvent
  | RegisterMemoryEvent
  | MessageEvent;

/** Takes the events of the VMM. */
export type EventSink = (event: VmmEvent) => void;
