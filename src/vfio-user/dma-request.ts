import type { Iova, Offset, Size } from '../address/index.ts';
import type { Errno } from '../host/index.ts';

/** A DMA_MAP or DMA_UNMAP, and what was answered. */
export interface DmaRequest {
  readonly kind: 'map' | 'unmap';
  readonly iova: Iova;
  /** In bytes. */
  readonly size: Size;
  /** A map that the device may not write to. */
  readonly readonly: boolean;
  /** Where in the file that came along the memory begins; nothing where no file came, as for BARs and ROMs. */
  readonly fileOffset: Offset | undefined;
  /** As they came: of a map read (1) and write (2), of an unmap everything (2). */
  readonly flags: number;
  readonly answer: 'ok' | Exclude<Errno, 0>;
}

/** A mapping that the client has set up and not taken away. */
export interface LiveMapping {
  readonly iova: Iova;
  readonly size: Size;
  readonly readonly: boolean;
  readonly fileOffset: Offset | undefined;
}
