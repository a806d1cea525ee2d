import type { Size } from '../address/index.ts';
import {
  MSIX_MAX_VECTORS,
  MsixControl,
  msixPbaSize,
  msixTableSize,
  type MsixLayout,
} from '../pci-layout/index.ts';

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
    this.#control = value & (MsixControl.ENABLE | MsixControl.FUNCTION_MASK);
  }

  /** What software reads from the message control word. */
  readControl(): number {
    return this.#control | (this.vectors - 1);
  }

  get enabled(): boolean {
    return (this.#control & MsixControl.ENABLE) !== 0;
  }

  get functionMasked(): boolean {
    return (this.#control & MsixControl.FUNCTION_MASK) !== 0;
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
