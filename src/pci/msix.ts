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
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;

/** The dwords of the capability that say where table and PBA are: offset with the BIR in the low three bits. */
export const locator = (bir: number, at: Offset): number => Number(BigInt.asUintN(32, at)) + bir;

/** Splits a locator dword into BIR and offset (vfio fact 5.6). */
export const splitLocator = (dword: number): { bir: number; offset: Offset } => ({
  bir: dword & 7,
  offset: offset(BigInt((dword & ~7) >>> 0)),
});

/** Why `checkMsixLayout` refuses a layout, in QEMU's words. */
export type MsixRefusal =
  'The number of MSI-X vectors is invalid' | "table & pba overlap, or they don't fit in BARs, or don't align";

const keep32Bits = (value: bigint): bigint => BigInt.asUintN(32, value);

/**
 * The validity rules of msix_init (vfio fact 5.11).
 *
 * @param tableRegionSize size of the region that the table is placed in.
 * @param pbaRegionSize size of the region that the PBA is placed in.
 * @returns the error QEMU gives, or nothing for a layout that it accepts. Its sums are of 32 bits,
 *   so a table close below 4G passes.
 */
export function checkMsixLayout(
  layout: MsixLayout,
  tableRegionSize: Size,
  pbaRegionSize: Size,
): MsixRefusal | undefined {
  const { vectors, tableBar, tableOffset, pbaBar, pbaOffset } = layout;
  if (vectors < 1 || vectors > MSIX_MAX_VECTORS) return 'The number of MSI-X vectors is invalid';
  const table = msixTableSize(vectors);
  const pba = msixPbaSize(vectors);
  const overlap = tableBar === pbaBar && tableOffset < pbaOffset + pba && pbaOffset < tableOffset + table;
  if (
    overlap ||
    keep32Bits(tableOffset + table) > tableRegionSize ||
    keep32Bits(pbaOffset + pba) > pbaRegionSize ||
    ((tableOffset | pbaOffset) & 7n) !== 0n
  ) {
    return "table & pba overlap, or they don't fit in BARs, or don't align";
  }
  return undefined;
}

/** The state that software controls: enable bit, function mask and the mask bit of each vector. */
export class MsixState {
  readonly vectors: number;
  #control = 0;
  /** Vectors whose mask bit is clear; all are masked after reset. */
  readonly #unmasked = new Set<number>();

  constructor(vectors: number) {
    this.vectors = vectors;
  }

  /** Software writes the message control word; only enable and function mask are writable. */
  writeControl(value: number): void {
    this.#control = value & (ENABLE | FUNCTION_MASK);
  }

  /** What software reads from the message control word. */
  readControl(): number {
    return this.#control | (this.vectors - 1);
  }

  get enabled(): boolean {
    return (this.#control & ENABLE) !== 0;
  }

  get functionMasked(): boolean {
    return (this.#control & FUNCTION_MASK) !== 0;
  }

  /** Sets or clears the mask bit of `vector`, 0 to vectors − 1. */
  maskVector(vector: number, masked: boolean): void {
    if (masked) this.#unmasked.delete(vector);
    else this.#unmasked.add(vector);
  }

  /** Whether no message of `vector` may be sent (msix_is_masked): its own bit, the function mask or not enabled. */
  isMasked(vector: number): boolean {
    return !this.enabled || this.functionMasked || !this.#unmasked.has(vector);
  }

  /** The vectors whose mask bit is clear, rising. */
  unmaskedVectors(): number[] {
    return [...this.#unmasked].toSorted((a, b) => a - b);
  }

  /** Back to the state after power-on (msix_reset). */
  reset(): void {
    this.#control = 0;
    this.#unmasked.clear();
  }
}
