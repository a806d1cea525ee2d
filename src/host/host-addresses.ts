import { alignUp, hostAddress, isAligned, type HostAddress, type Size } from '../address/index.ts';

/** The first address that is handed out. */
const FIRST_HOST_ADDRESS = 0x7f00_0000_0000n;

/** Hands out addresses of the VMM's process, for its RAM and its mmaps. */
export class HostAddresses {
  #next = FIRST_HOST_ADDRESS;

  /**
   * Reserves `size` bytes. No part of them is handed out again.
   *
   * @param alignment in bytes, a power of two. The address is no multiple of twice the alignment: a larger
   *   alignment would hide a VMM that asks for too small a one.
   */
  readonly reserve = (size: Size, alignment: Size): HostAddress => {
    let start = alignUp(this.#next, alignment);
    if (isAligned(start, 2n * alignment)) start += alignment;
    this.#next = start + size;
    return hostAddress(start);
  };
}
