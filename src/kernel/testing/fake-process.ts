import type { IoctlEncoding, ScalarType, Structure, StructureValues } from '../../host/abi/index.ts';
import { GENERIC_IOCTLS, vfioRequest, type VfioRequestName } from '../../host/abi/index.ts';
import type { AnsweringKernel } from '../answering-kernel.ts';
import type { KernelAnswer, SystemCall } from '../system-call.ts';

type Fields = Readonly<Record<string, ScalarType>>;

/** Where the fake process has every structure that it passes. */
const ARGUMENT = 0x1000n;

/** The system calls of a process, made in the way of the shim. */
export class FakeProcess {
  readonly #kernel: AnsweringKernel;
  #nextFile = 10;

  constructor(kernel: AnsweringKernel) {
    this.#kernel = kernel;
  }

  call(operation: SystemCall['operation'], more: Partial<SystemCall> = {}): KernelAnswer {
    const nothing = { file: -1, spare: -1, first: 0n, second: 0n, third: 0n, data: new Uint8Array(0) };
    const answer = this.#kernel.answer({ ...nothing, operation, ...more });
    if (answer === undefined) throw new Error(`${operation} is never answered`);
    return answer;
  }

  /** Opens a file. @returns its descriptor, or the error as a negative number. */
  open(path: string): number {
    return this.#descriptor({ operation: 'open', data: Buffer.from(path) });
  }

  /** An ioctl with a number as its argument. */
  ioctl(file: number, request: number, argument = 0n): KernelAnswer {
    return this.call('ioctl', { file, first: BigInt(request), second: argument });
  }

  /** An ioctl with a structure. @returns the error, and what the structure holds afterwards. */
  ask<F extends Fields>(
    file: number,
    request: number,
    structure: Structure<F>,
    values: Partial<StructureValues<F>>,
  ): { readonly errno: number; readonly after: StructureValues<F>; readonly bytes: Uint8Array } {
    const data = structure.encode(values);
    const { errno, writes } = this.call('ioctl', {
      file,
      first: BigInt(request),
      second: ARGUMENT,
      data,
    });
    const written = writes.find(({ address }) => address === ARGUMENT)?.bytes ?? new Uint8Array(0);
    const bytes = new Uint8Array(Math.max(data.length, written.length));
    bytes.set(data);
    bytes.set(written);
    return { errno, after: structure.decode(bytes), bytes };
  }

  /** An ioctl whose argument is a text or a number of 32 bits, and which may open a file. */
  openBy(file: number, request: number, argument: string | number): number {
    const data = Buffer.alloc(4);
    if (typeof argument === 'number') data.writeInt32LE(argument);
    return this.#descriptor({
      operation: 'ioctl',
      file,
      first: BigInt(request),
      second: ARGUMENT,
      data: typeof argument === 'number' ? data : Buffer.from(`${argument}\0`),
    });
  }

  #descriptor(call: Partial<SystemCall> & Pick<SystemCall, 'operation'>): number {
    const spare = this.#nextFile++;
    const { errno, result, opens } = this.call(call.operation, { ...call, spare });
    if (errno !== 0) return -errno;
    return opens === undefined ? Number(result) : spare;
  }
}

/** The request of VFIO on x86. */
export const vfio = (name: VfioRequestName, encoding: IoctlEncoding = GENERIC_IOCTLS): number =>
  vfioRequest(name, encoding);
