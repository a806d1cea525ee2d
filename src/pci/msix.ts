import { overlaps, type Size } from '../address/index.ts';
import {
  MSIX_MAX_VECTORS,
  MsixControl,
  msixPbaRange,
  msixTableRange,
  type MsixLayout,
} from '../pci-layout/index.ts';

/** Why {@link checkMsixLayout} refuses a layout, in QEMU's words. */
export type MsixRefusal =
  'The number of MSI-X vectors is invalid' | "table & pba overlap, or they don't fit in BARs, or don't align";

const keep32Bits = (value: bigint): bigint => BigInt.asUintN(32, value);

/**
 * The checks of msix_init (vfio fact 5.11). QEMU adds offset and size in 32 bits, so a table or PBA that
 * ends at or beyond 4 GiB can pass.
 *
 * @param tableRegionSize bytes of the region that QEMU places the table in.
 * @param pbaRegionSize bytes of the region that QEMU places the PBA in.
 * @returns QEMU's error message, or `undefined` if QEMU accepts the layout.
 */
export function checkMsixLayout(
  layout: MsixLayout,
  tableRegionSize: Size,
  pbaRegionSize: Size,
): MsixRefusal | undefined {
  const { vectors, tableBar, tableOffset, pbaBar, pbaOffset } = layout;
  if (vectors < 1 || vectors > MSIX_MAX_VECTORS) return 'The number of MSI-X vectors is invalid';
  const table = msixTableRange(layout);
  const pba = msixPbaRange(layout);
  if (
    (tableBar === pbaBar && overlaps(table, pba)) ||
    keep32Bits(table.end) > tableRegionSize ||
    keep32Bits(pba.end) > pbaRegionSize ||
    ((tableOffset | pbaOffset) & 7n) !== 0n
  ) {
    return "table & pba overlap, or they don't fit in BARs, or don't align";
  }
  return undefined;
}

/** The MSI-X state that software controls: the enable bit, the function mask, and the mask bit of each vector. */
export class MsixState {
  readonly vectors: number;
  #control = 0;
  /** The vectors whose mask bit is clear; a reset sets all mask bits. */
  readonly #unmasked = new Set<number>();

  /** @param vectors 1 to 2048. */
  constructor(vectors: number) {
    this.vectors = vectors;
  }

  /** Software writes the message control word: only the enable bit and the function mask are writable. */
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

  /** Sets or clears the mask bit of `vector`, 0 to the number of vectors less 1. */
  maskVector(vector: number, masked: boolean): void {
    if (masked) this.#unmasked.delete(vector);
    else this.#unmasked.add(vector);
  }

  /**
   * Whether the device may send no message for `vector`: MSI-X is off, the function mask is set, or the
   * vector's own mask bit is (msix_is_masked).
   */
  isMasked(vector: number): boolean {
    return !this.enabled || this.functionMasked || !this.#unmasked.has(vector);
  }

  /** The vectors whose mask bit is clear, in ascending order. */
  unmaskedVectors(): number[] {
    return [...this.#unmasked].toSorted((a, b) => a - b);
  }

  /** Restores the state after power-on (msix_reset). */
  reset(): void {
    this.#control = 0;
    this.#unmasked.clear();
  }
}
