import { offset, type Offset, type Range, type Size } from '../address/index.ts';

/** Bytes of one entry of the MSI-X table (PCI 3.0 section 6.8.2). */
export const MSIX_ENTRY_BYTES = 16n;
/** Offset of the vector control dword within an entry; its bit 0 masks the vector (PCI 3.0 section 6.8.2.9). */
export const MSIX_VECTOR_CONTROL = 12n;
/** The most vectors that a device can have: the table size field of the control word has 11 bits. */
export const MSIX_MAX_VECTORS = 2048;
/** Identifier of the MSI-X capability. */
export const MSIX_CAPABILITY_ID = 0x11;

/** Offsets of the registers within the MSI-X capability (PCI 3.0 section 6.8.2). */
export const MsixRegister = { CONTROL: 2, TABLE: 4, PBA: 8 } as const;

/** Fields of the message control word (PCI 3.0 section 6.8.2.3); `TABLE_SIZE` holds the number of vectors less 1. */
export const MsixControl = { TABLE_SIZE: 0x07ff, FUNCTION_MASK: 0x4000, ENABLE: 0x8000 } as const;

/** What the MSI-X capability says: how many vectors there are, and where the table and the PBA lie. */
export interface MsixLayout {
  /** 1 to 2048. */
  readonly vectors: number;
  /** BIR of the table: 0 to 5 name a BAR; 6 and 7 are reserved, yet fit the field. */
  readonly tableBar: number;
  /** Offset of the table in its BAR, in bytes: a multiple of 8 below 2^32. */
  readonly tableOffset: Offset;
  /** BIR of the PBA, as for the table. */
  readonly pbaBar: number;
  /** Offset of the PBA in its BAR, in bytes: a multiple of 8 below 2^32. */
  readonly pbaOffset: Offset;
}

/** Bytes of the table: 16 for each vector. */
export const msixTableSize = (vectors: number): Size => MSIX_ENTRY_BYTES * BigInt(vectors);

/** Bytes of the PBA: 8 for each 64 vectors, rounded up (PCI 3.0 section 6.8.2.10). */
export const msixPbaSize = (vectors: number): Size => 8n * BigInt(Math.ceil(vectors / 64));

/** The bytes of its BAR that the table takes; the range may end beyond the BAR. */
export const msixTableRange = (layout: Pick<MsixLayout, 'tableOffset' | 'vectors'>): Range<Offset> => ({
  start: layout.tableOffset,
  end: layout.tableOffset + msixTableSize(layout.vectors),
});

/** The bytes of its BAR that the PBA takes; the range may end beyond the BAR. */
export const msixPbaRange = (layout: Pick<MsixLayout, 'pbaOffset' | 'vectors'>): Range<Offset> => ({
  start: layout.pbaOffset,
  end: layout.pbaOffset + msixPbaSize(layout.vectors),
});

/**
 * The dword of the capability that says where the table or the PBA is: the offset with the BIR in its low three bits.
 *
 * @param bir 0 to 7.
 * @param at the offset in the BAR: a multiple of 8. Only its low 32 bits fit.
 */
export const locator = (bir: number, at: Offset): number => Number(BigInt.asUintN(32, at)) + bir;

/** Splits such a dword into BIR and offset (vfio fact 5.6). */
export const splitLocator = (dword: number): { bir: number; offset: Offset } => ({
  bir: dword & 7,
  offset: offset(BigInt((dword & ~7) >>> 0)),
});
