import type { Iova, Offset, Size } from '../address/index.ts';

/** A DMA_MAP or DMA_UNMAP, and the server's answer. */
export interface DmaRequest {
  readonly kind: 'map' | 'unmap';
  readonly iova: Iova;
  /** In bytes. */
  readonly size: Size;
  /** Whether a map leaves the device no right to write; false for an unmap. */
  readonly readonly: boolean;
  /** Where in the client's file the memory begins. Absent for an unmap, and for memory without a file. */
  readonly fileOffset: Offset | undefined;
  /** The flags of the message: read (1) and write (2) of a map, all (2) of an unmap. */
  readonly flags: number;
  /** `ok`, or the positive error number that the client was answered. */
  readonly answer: 'ok' | number;
}
