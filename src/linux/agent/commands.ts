const hexOf = (bytes: Uint8Array): string => (bytes.length === 0 ? '-' : Buffer.from(bytes).toString('hex'));
const textHex = (text: string): string => hexOf(Buffer.from(text));

/** Protections and flags of mmap, with their numbers in Linux. */
export const PROT = { NONE: 0, READ: 1, WRITE: 2 } as const;
export const MAP = { SHARED: 1, PRIVATE: 2, FIXED: 0x10, ANONYMOUS: 0x20 } as const;
/** O_RDWR. */
export const READ_WRITE = 2;
/** O_CLOEXEC. */
export const O_CLOEXEC = 0o2000000;

export interface MmapArguments {
  readonly address: bigint;
  readonly length: bigint;
  readonly protection: number;
  readonly flags: number;
  /** -1 for anonymous memory. */
  readonly descriptor: number;
  readonly offset: bigint;
}

/** The commands as the lines that the agent reads, without the LF. */
export const command = {
  open: (path: string, flags: number = READ_WRITE): string => `open ${flags} ${path}`,
  close: (descriptor: number): string => `close ${descriptor}`,
  ioctl: (descriptor: number, request: number, bytes: Uint8Array): string =>
    `ioctl ${descriptor} ${request} ${hexOf(bytes)}`,
  ioctlValue: (descriptor: number, request: number, value: number): string =>
    `ioctl-value ${descriptor} ${request} ${value}`,
  mmap: ({ address, length, protection, flags, descriptor, offset }: MmapArguments): string =>
    `mmap ${address} ${length} ${protection} ${flags} ${descriptor} ${offset}`,
  munmap: (address: bigint, length: bigint): string => `munmap ${address} ${length}`,
  load: (address: bigint, width: number): string => `load ${address} ${width}`,
  store: (address: bigint, width: number, value: bigint): string => `store ${address} ${width} ${value}`,
  peek: (address: bigint, length: number): string => `peek ${address} ${length}`,
  poke: (address: bigint, bytes: Uint8Array): string => `poke ${address} ${hexOf(bytes)}`,
  pread: (descriptor: number, offset: bigint, length: number): string =>
    `pread ${descriptor} ${offset} ${length}`,
  pwrite: (descriptor: number, offset: bigint, bytes: Uint8Array): string =>
    `pwrite ${descriptor} ${offset} ${hexOf(bytes)}`,
  readFile: (path: string): string => `read-file ${path}`,
  writeFile: (path: string, text: string): string => `write-file ${path} ${textHex(text)}`,
  readlink: (path: string): string => `readlink ${path}`,
  /**
   * Starts a program whose output goes to a file of the kernel, and answers with its process id. `end-case` kills it.
   *
   * @param words the program's path and its arguments, without white space.
   */
  spawn: (output: string, words: readonly string[]): string => `spawn ${output} ${words.join(' ')}`,
  /** Whether a program has ended: 0, or its process id with the bytes of its wait status. */
  ended: (pid: number): string => `ended ${pid}`,
  /** Closes all descriptors and removes all mappings that the agent made since the last `end-case`. */
  endCase: (): string => 'end-case',
  /** The longest time that a later call may take, in milliseconds. */
  limit: (milliseconds: number): string => `limit ${milliseconds}`,
} as const;
