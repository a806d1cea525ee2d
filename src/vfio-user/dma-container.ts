import type { Iova, Offset, PageSizeBitmap, Size } from '../address/index.ts';

/** A mapping that the client has set up and not taken away. */
export interface LiveMapping {
  readonly iova: Iova;
  /** In bytes. */
  readonly size: Size;
  /** Whether the device may only read. */
  readonly readonly: boolean;
  /** Where in the client's file the memory begins. Absent without a file: QEMU sends none for BARs and ROMs. */
  readonly fileOffset: Offset | undefined;
}

/** A DMA_MAP as the container gets it. */
export interface RequestedMapping extends LiveMapping {
  /** Names the file: all descriptors of one file give the same name. Absent without a file. */
  readonly file: string | undefined;
}

/** The DMA mappings of one client: the container decides which requests are granted, and keeps the mappings. */
export interface DmaContainer {
  /** The page sizes that the server announces to the client. */
  readonly pageSizes: PageSizeBitmap;
  /** Grants or refuses a mapping. @returns 0, or the positive error number that the client is answered. */
  map(mapping: RequestedMapping): number;
  /** Takes mappings away. @returns 0, or the positive error number that the client is answered. */
  unmap(iova: Iova, size: Size): number;
  /** The mappings in force, by rising IOVA. The array never changes afterwards. */
  mappings(): readonly LiveMapping[];
}
