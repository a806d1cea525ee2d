/** Width of a configuration access in bytes. */
export type AccessWidth = 1 | 2 | 4;

const DWORDS = 64;
const WIDTH_MASK = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff } as const;

/**
 * The 256 bytes of a function's configuration space, each bit writable or not by software. Accesses
 * stay within a dword, as they do on the bus.
 */
export class ConfigSpace {
  readonly #dwords = Array.from<number>({ length: DWORDS }).fill(0);
  readonly #writable = Array.from<number>({ length: DWORDS }).fill(0);

  /** Sets the contents at `offset`, whatever software may write there. Little-endian. */
  set(offset: number, width: AccessWidth, value: number): void {
    insert(this.#dwords, offset, WIDTH_MASK[width], value);
  }

  /** Lets software write the bits of `mask` at `offset`, and no others there. */
  setWritable(offset: number, width: AccessWidth, mask: number): void {
    insert(this.#writable, offset, WIDTH_MASK[width], mask);
  }

  /** What software reads: an unsigned number of `width` bytes. */
  read(offset: number, width: AccessWidth): number {
    return ((this.#dwords[offset >> 2]! >>> (8 * (offset & 3))) & WIDTH_MASK[width]) >>> 0;
  }

  /** What software writes: only writable bits change (pci_default_write_config). */
  write(offset: number, width: AccessWidth, value: number): void {
    const writable = (this.#writable[offset >> 2]! >>> (8 * (offset & 3))) & WIDTH_MASK[width];
    insert(this.#dwords, offset, writable, value);
  }

  /** Clears what software has written at `offset` (what a reset does to COMMAND and the BARs). */
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
