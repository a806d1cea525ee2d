import { offset, type Offset, type Size } from '../address/index.ts';

/** Bytes of one MSI-X table entry (PCI 3.0 section 6.8.2). */
export const MSIX_ENTRY_BYTES = 16n;
/** The most vectors that the 11-bit field of the control word can name. */
export const MSIX_MAX_VECTORS = 2048;
/** Identifier of the MSI-X capability. */
export const MSIX_CAPABILITY_ID = 0x11;
/** Bytes of the MSI-X capability. */
export const MSIX_CAPABILITY_BYTES = 12;

/** Where table and PBA lie and how many vectors there are: the contents of the capability. */
export interface MsixLayout {
  /** 1 to 2048. */
  readonly vectors: number;
  /** BIR of the table: 0 to 5 name a BAR; 6 and 7 are reserved, yet fit the field. */
  readonly tableBar: number;
  /** Offset of the table in its BAR; a multiple of 8, below 2^32. */
  readonly tableOffset: Offset;
  readonly pbaBar: number;
  readonly pbaOffset: Offset;
}

/** Bytes of the table: 16 a vector. */
export const msixTableSize = (vectors: number): Size => MSIX_ENTRY_BYTES * BigInt(vectors);

/** Bytes of the PBA: 8 for every 64 vectors begun. */
export const msixPbaSize = (vectors: number): Size => 8n * BigInt(Math.ceil(vectors / 64));

/** Bits of the message control word. */
export const MsixControl = { ENABLE: 0x8000, FUNCTION_MASK: 0x4000 } as const;

/** The dwords of the capability that say where table and PBA are: offset with the BIR in the low three bits. */
export const locator = (bir: number, at: Offset): number => Number(BigInt.asUintN(32, at)) + bir;

/** Splits a locator dword into BIR and offset (vfio fact 5.6). */
export const splitLocator = (dword: number): { bir: number; offset: Offset } => ({
  bir: dword & 7,
  offset: offset(BigInt((dword & ~7) >>> 0)),
});
