import type { Structure, ScalarType, StructureValues } from '../host/abi/index.ts';
import { Errno } from '../host/index.ts';
import type { OpenContainer } from './open-container.ts';
import type { OfferedDevice } from './offered-device.ts';

/** A system call on a file of the kernel, as the shim sends it (src/qemu/shim/kernel.h says what the words mean). */
export interface SystemCall {
  readonly operation: 'open' | 'close' | 'ioctl' | 'pread' | 'pwrite' | 'mmap' | 'mapped' | 'unmapped';
  /** The descriptor of the call; -1 where it has none. */
  readonly file: number;
  /** An open descriptor that the answer may make one of the kernel's files. */
  readonly spare: number;
  readonly first: bigint;
  readonly second: bigint;
  readonly third: bigint;
  readonly data: Uint8Array;
}

/** Bytes that the kernel writes into the memory of the calling process. */
export interface MemoryWrite {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** The answer to a system call. */
export interface KernelAnswer {
  /** 0 for success. */
  readonly errno: number;
  /** What the call returns where it succeeds. */
  readonly result: bigint;
  /** What a read returns, or the path of the file to map. */
  readonly data: Uint8Array;
  readonly writes: readonly MemoryWrite[];
  /** The file that the spare descriptor of the call is from now on. */
  readonly opens: KernelFile | undefined;
}

/** A file of the kernel that QEMU has opened. What a file does not answer is refused with ENOTTY, EINVAL or ENODEV. */
export interface KernelFile {
  /** The kind of file, for people: `container`, `KVM machine`. */
  readonly kind: string;
  /** @returns nothing for a request that barproof does not know. */
  ioctl?(call: IoctlCall): KernelAnswer | undefined;
  pread?(offset: bigint, length: number): KernelAnswer;
  pwrite?(offset: bigint, data: Uint8Array): KernelAnswer;
  mmap?(offset: bigint, length: bigint): KernelAnswer;
  /** QEMU has mapped `length` bytes at `address`. */
  mapped?(offset: bigint, length: bigint, address: bigint): void;
  /** The container that a device has joined by this file. */
  containerOf?(device: OfferedDevice): OpenContainer | undefined;
  close?(): void;
}

const NOTHING = new Uint8Array(0);

/** The call succeeds. */
export const done = (result: number | bigint = 0, more: Partial<KernelAnswer> = {}): KernelAnswer => ({
  errno: 0,
  result: BigInt(result),
  data: NOTHING,
  writes: [],
  opens: undefined,
  ...more,
});

/** The call fails; 0 is success. */
export const answered = (errno: number, writes: readonly MemoryWrite[] = []): KernelAnswer => ({
  ...done(0, { writes }),
  errno,
});

/** The kernel refuses a call. */
export class KernelRefusal extends Error {
  override readonly name = 'KernelRefusal';
  readonly errno: Errno;

  constructor(errno: Errno) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

/** The kernel never answers a call, so that its thread waits for ever. */
export class NeverAnswered extends Error {
  override readonly name = 'NeverAnswered';
  /** The request, as `host.faults` names it. */
  readonly request: string;

  constructor(request: string) {
    super(`${request} is never answered`);
    this.request = request;
  }
}

type Fields = Readonly<Record<string, ScalarType>>;

/** One ioctl. */
export class IoctlCall {
  /** The request's number in its interface: the lowest byte of the request. */
  readonly number: number;
  /** The interface: `;` for VFIO and iommufd, 0xae for KVM. */
  readonly type: number;
  /** The whole request, 32 bits. */
  readonly request: number;
  /** A number, or the address of a structure. */
  readonly argument: bigint;
  readonly spare: number;
  /** What lies at the argument, as far as the shim has sent it. */
  readonly #data: Uint8Array;

  constructor({ first, second, spare, data }: SystemCall) {
    this.request = Number(BigInt.asUintN(32, first));
    this.number = this.request & 0xff;
    this.type = (this.request >>> 8) & 0xff;
    this.argument = second;
    this.spare = spare;
    this.#data = data;
  }

  /** The structure at the argument, or `at` bytes behind it. @throws KernelRefusal with EFAULT where memory is missing. */
  read<F extends Fields>(structure: Structure<F>, at = 0): StructureValues<F> {
    if (at + structure.bytes > this.#data.length) throw new KernelRefusal(Errno.EFAULT);
    return structure.decode(this.#data, at);
  }

  /** The signed number of 32 bits at the argument. */
  readInt(): number {
    if (this.#data.length < 4) throw new KernelRefusal(Errno.EFAULT);
    return new DataView(this.#data.buffer, this.#data.byteOffset, 4).getInt32(0, true);
  }

  /** The text at the argument, up to its NUL. */
  readText(): string {
    const end = this.#data.indexOf(0);
    if (end < 0) throw new KernelRefusal(Errno.EFAULT);
    return Buffer.from(this.#data.subarray(0, end)).toString('latin1');
  }

  /** Bytes to be written at the argument, or `at` bytes behind it. */
  write(bytes: Uint8Array, at = 0): MemoryWrite {
    return { address: this.argument + BigInt(at), bytes };
  }

  /** Success, with bytes written at the argument. */
  returns(bytes: Uint8Array, more: Partial<KernelAnswer> = {}): KernelAnswer {
    return done(0, { writes: [this.write(bytes)], ...more });
  }
}
