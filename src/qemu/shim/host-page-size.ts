import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';

/** Types of entries in the auxiliary vector (elf.h). An entry has a type and a value, 8 bytes each. */
const AT_NULL = 0n;
const AT_PAGESZ = 6n;
const ENTRY_BYTES = 16;
const DEFAULT_PAGE_SIZE = 0x1000n;

/** Bytes of a page of this machine, from the auxiliary vector; 4096 on a system without /proc/self/auxv. */
export function hostPageSize(): bigint {
  let vector: Buffer;
  try {
    vector = readFileSync('/proc/self/auxv');
  } catch {
    return DEFAULT_PAGE_SIZE;
  }
  const read = (at: number): bigint =>
    endianness() === 'LE' ? vector.readBigUInt64LE(at) : vector.readBigUInt64BE(at);
  for (let at = 0; at + ENTRY_BYTES <= vector.length; at += ENTRY_BYTES) {
    const type = read(at);
    if (type === AT_PAGESZ) return read(at + 8);
    if (type === AT_NULL) break;
  }
  return DEFAULT_PAGE_SIZE;
}
