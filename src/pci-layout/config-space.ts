/** Width of a configuration access in bytes. */
export type AccessWidth = 1 | 2 | 4;

const DWORDS = 64;
const ZEROS: readonly number[] = Array.from({ length: DWORDS }, () => 0);
const WIDTH_MASK = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff } as const;

/**
 * The 256 bytes of a function's configuration space, little-endian. Each bit is writable by software or
 * not; at first all bytes are 0 and read-only. An access stays within a dword, as on the bus.
 */
export class ConfigSpace {
  // A copy of an array takes a tenth of the time of a new one that is filled.
  readonly #dwords = ZEROS.slice();
  readonly #writable = ZEROS.slice();

  /** Sets the contents at `offset`, including the bits that software may not write. */
  set(offset: number, width: AccessWidth, value: number): void {
    insert(this.#dwords, offset, WIDTH_MASK[width], value);
  }

  /** Makes the bits of `mask` at `offset` writable and the other bits of this access read-only. */
  setWritable(offset: number, width: AccessWidth, mask: number): void {
    insert(this.#writable, offset, WIDTH_MASK[width], mask);
  }

  /** What software reads at `offset`: an unsigned number of `width` bytes. */
  read(offset: number, width: AccessWidth): number {
    return ((this.#dwords[offset >> 2]! >>> (8 * (offset & 3))) & WIDTH_MASK[width]) >>> 0;
  }

  /** Software writes `value` at `offset`: only writable bits change (pci_default_write_config). */
  write(offset: number, width: AccessWidth, value: number): void {
    const writable = (this.#writable[offset >> 2]! >>> (8 * (offset & 3))) & WIDTH_MASK[width];
    insert(this.#dwords, offset, writable, value);
  }

  /** Clears the writable bits at `offset`, as a reset clears COMMAND. */
  clearWritten(offset: number, width: AccessWidth): void {
    this.write(offset, width, 0);
  }
}

/** Replaces the bits of `mask` at `offset` by those of `value`. */
function insert(dwords: number[], offset: number, mask: number, value: number): void {
  const shift = 8 * (offset & 3);
  const index = offset >> 2;
  dwords[index] = (dwords[index]! & ~(mask << shift)) | ((value & mask) << shift);
}
