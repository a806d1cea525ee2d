import { alignUp, hostAddress, isAligned, type HostAddress, type Size } from '../address/index.ts';

/** The first host virtual address that is handed out. */
const FIRST_ADDRESS = 0x7f00_0000_0000n;

/** QEMU's own address space on the host: RAM blocks and mmaps of BARs get their addresses from it. */
export class HostAddressSpace {
  #next = FIRST_ADDRESS;

  /**
   * Reserves addresses. They have the requested alignment and no larger one: a larger one by chance would
   * hide a mapping that QEMU aligns too little.
   *
   * @param size in bytes.
   * @param alignment in bytes, a power of two.
   */
  readonly reserve = (size: Size, alignment: Size): HostAddress => {
    let start = alignUp(this.#next, alignment);
    if (isAligned(start, 2n * alignment)) start += alignment;
    this.#next = start + size;
    return hostAddress(start);
  };
}
