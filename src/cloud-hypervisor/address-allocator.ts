import { alignDown, alignUp, isAligned, isPowerOfTwo, type Size } from '../address/index.ts';
import type { CloudHypervisorRules } from './revision.ts';

interface Taken {
  readonly start: bigint;
  readonly size: Size;
}

/**
 * Hands out the guest addresses of a window, from its end downwards (vm-allocator/src/address.rs:
 * AddressAllocator).
 */
export class AddressAllocator {
  /** The first address of the window. */
  readonly first: bigint;
  /** The last address of the window. */
  readonly last: bigint;
  /** The taken ranges by rising start. A range of 0 bytes stands for the window's end. */
  #taken: readonly Taken[];
  readonly #from: CloudHypervisorRules['allocates'];

  constructor(first: bigint, size: Size, from: CloudHypervisorRules['allocates'] = 'from-the-top') {
    this.#from = from;
    this.first = first;
    this.last = first + size - 1n;
    this.#taken = [{ start: first + size, size: 0n }];
  }

  /** Whether `address` lies in the window, free or taken. */
  covers(address: bigint): boolean {
    return address >= this.first && address <= this.last;
  }

  /**
   * Takes `size` bytes at address `at`, or, without `at`, at the highest address where they fit.
   *
   * @param alignment in bytes; a request with one that is no power of two fails.
   * @returns the address; `undefined` if the request fails.
   */
  allocate(size: Size, alignment: Size, at?: bigint): bigint | undefined {
    if (size === 0n || !isPowerOfTwo(alignment)) return undefined;
    const start = at === undefined ? this.#anywhere(size, alignment) : this.#exactly(at, size, alignment);
    if (start === undefined) return undefined;
    this.#taken = [...this.#taken, { start, size }].toSorted((a, b) => (a.start < b.start ? -1 : 1));
    return start;
  }

  /** Gives a range back. Does nothing unless a range with just this start and size was taken. */
  free(start: bigint, size: Size): void {
    this.#taken = this.#taken.filter(
      (range) => range.start !== start || range.size !== size || range.size === 0n,
    );
  }

  #exactly(at: bigint, size: Size, alignment: Size): bigint | undefined {
    // cloud-hypervisor refuses a request for the last address of a window.
    if (!isAligned(at, alignment) || at < this.first || at >= this.last) return undefined;
    const next = this.#taken.findIndex(({ start }) => at <= start);
    const above = this.#taken[next];
    if (above === undefined || this.#endBelow(next) > at || above.start - at < size) return undefined;
    return at;
  }

  #anywhere(size: Size, alignment: Size): bigint | undefined {
    return this.#from === 'from-the-top' ? this.#highest(size, alignment) : this.#lowest(size, alignment);
  }

  #lowest(size: Size, alignment: Size): bigint | undefined {
    for (let index = 0; index < this.#taken.length; index++) {
      const start = alignUp(this.#endBelow(index), alignment);
      if (this.#taken[index]!.start - start >= size) return start;
    }
    return undefined;
  }

  #highest(size: Size, alignment: Size): bigint | undefined {
    for (let index = this.#taken.length - 1; index >= 0; index--) {
      const above = this.#taken[index]!;
      if (above.start - alignUp(this.#endBelow(index), alignment) >= size) {
        return alignDown(above.start - size, alignment);
      }
    }
    return undefined;
  }

  /** The start of the gap below taken range `index`. */
  #endBelow(index: number): bigint {
    const below = this.#taken[index - 1];
    return below === undefined ? this.first : below.start + below.size;
  }
}
