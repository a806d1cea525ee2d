import type { Size } from '../address/index.ts';
import type { Errno } from './errno.ts';

/** What a request names: addresses, of which `start` is the first, or a device by its id. */
export interface NamedByRequest {
  readonly start?: bigint;
  /** In bytes. */
  readonly size?: Size;
  readonly device?: string;
}

/** Requests that the kernel does not carry out. */
export interface HostFault {
  /** The kind of request, in words of the caller: `dma-map`. */
  readonly request: string;
  /** The error, or `never` for a request without an answer. */
  readonly answer: Exclude<Errno, 0> | 'never';
  /** Only requests that name this address. */
  readonly at?: bigint | undefined;
  /** Only requests that name this device. */
  readonly device?: string | undefined;
  /** Only the n-th of the chosen requests, counted from 1. */
  readonly nth?: number | undefined;
}

/** The faults of one host while one VMM runs on it. They do not depend on what the kernel would answer otherwise. */
export class HostFaults {
  readonly #faults: readonly HostFault[];
  /** How many of the requests that a fault chooses have come, by the fault's index. */
  readonly #seen: number[];

  constructor(faults: readonly HostFault[] = []) {
    this.#faults = faults;
    this.#seen = faults.map(() => 0);
  }

  /**
   * What becomes of one request. Each call counts as a request of its own.
   *
   * @param request the name that scenarios have for it: `dma-map`.
   * @param named the range and the device that the request names.
   * @returns 0 for a request that the kernel goes on to look at.
   */
  answer(request: string, named: NamedByRequest): Errno | 'never' {
    let answer: Errno | 'never' = 0;
    for (const [index, fault] of this.#faults.entries()) {
      if (fault.request !== request || !chooses(fault, named)) continue;
      const count = ++this.#seen[index]!;
      if (answer === 0 && (fault.nth === undefined || fault.nth === count)) answer = fault.answer;
    }
    return answer;
  }
}

function chooses(
  { at, device }: HostFault,
  { start = 0n, size = 0n, device: named }: NamedByRequest,
): boolean {
  if (device !== undefined && device !== named) return false;
  return at === undefined || (start <= at && at - start < size);
}
