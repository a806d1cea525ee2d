/** Types of program headers and tags of the dynamic section (elf.h). */
const [PT_LOAD, PT_DYNAMIC] = [1, 2];
const [DT_NULL, DT_STRTAB, DT_SONAME] = [0n, 5n, 14n];

/** Offsets in the header of ELF-64: the table of program headers, the size of an entry, the number of entries. */
const [PHOFF, PHENTSIZE, PHNUM] = [0x20, 0x36, 0x38];
/** Offsets in a program header. */
const [OFFSET, VADDR, FILESZ] = [0x8, 0x10, 0x20];
const ELFCLASS64 = 2;
const LITTLE_ENDIAN = 1;

/** Whether a file begins as an ELF-64 of little-endian numbers does. */
export const isElf = (start: Uint8Array): boolean =>
  Buffer.from(start.subarray(0, 4)).toString('latin1') === '\u007fELF' &&
  start[4] === ELFCLASS64 &&
  start[5] === LITTLE_ENDIAN;

/**
 * The name under which the loader looks for a library: DT_SONAME of its dynamic section (System V ABI, chapter 5).
 *
 * @param bytes an ELF-64 file of little-endian numbers
 * @returns `undefined` for a file that has none, such as a program
 */
export function sonameOf(bytes: Uint8Array): string | undefined {
  const elf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const number = (at: number): number => Number(elf.readBigUInt64LE(at));
  const headers = Array.from(
    { length: elf.readUInt16LE(PHNUM) },
    (_, index) => number(PHOFF) + index * elf.readUInt16LE(PHENTSIZE),
  );
  const ofType = (type: number): number[] => headers.filter((at) => elf.readUInt32LE(at) === type);
  const [dynamic] = ofType(PT_DYNAMIC);
  if (dynamic === undefined) return undefined;
  const values = new Map<bigint, number>();
  for (let at = number(dynamic + OFFSET); elf.readBigUInt64LE(at) !== DT_NULL; at += 16)
    values.set(elf.readBigUInt64LE(at), number(at + 8));
  const [name, strings] = [values.get(DT_SONAME), values.get(DT_STRTAB)];
  if (name === undefined || strings === undefined) return undefined;
  // DT_STRTAB is an address; a segment says where in the file its bytes are.
  const segment = ofType(PT_LOAD).find(
    (at) => number(at + VADDR) <= strings && strings < number(at + VADDR) + number(at + FILESZ),
  );
  if (segment === undefined) return undefined;
  const start = strings - number(segment + VADDR) + number(segment + OFFSET) + name;
  return elf.toString('latin1', start, elf.indexOf(0, start));
}
