import { LAST_ADDRESS, alignDown, low64, type Address, type Size } from '../address/index.ts';
import type { BarType } from '../pci-layout/index.ts';

/** Why an existing BAR answers nowhere. */
export type UnmappedReason =
  /** COMMAND does not enable the BAR's address space. */
  | 'decoding-off'
  /** The function is in another power state than D0. */
  | 'no-power'
  /** The address is 0, and the machine does not allow a BAR there. */
  | 'address-zero'
  /** The last byte is not above the first: the range wraps around 2^64, or has a single byte. */
  | 'wraps'
  /** The BAR would end at the last 64-bit address, as it does while software sizes a 64-bit BAR. */
  | 'ends-at-top'
  /** A 32-bit or I/O BAR would end at or beyond the last 32-bit address. */
  | 'ends-beyond-32-bits';

/** The address at which a BAR answers, or why it answers nowhere. */
export type BarDecoding =
  | { readonly address: Address; readonly unmapped?: never }
  | { readonly address?: never; readonly unmapped: UnmappedReason };

const LAST_32_BIT_ADDRESS = 0xffff_ffffn;

/**
 * Where a BAR answers while COMMAND enables its address space (pci_bar_address, pci fact 4.1).
 *
 * @param register the register's value: 32 bits, or both halves of a 64-bit BAR. As in hardware, flag
 *   bits and bits below the size do not count.
 * @param size of the BAR in bytes: a power of two.
 * @param addressZeroAllowed whether the machine allows a BAR at address 0. Arm's virt and pseries do;
 *   pc and q35 do not.
 */
export function decodeBar(
  type: BarType,
  register: bigint,
  size: Size,
  addressZeroAllowed: boolean,
): BarDecoding {
  const address = low64(alignDown(register, size));
  const last = low64(address + size - 1n);
  if (address === 0n && !addressZeroAllowed) return { unmapped: 'address-zero' };
  if (last <= address) return { unmapped: 'wraps' };
  // "At or beyond": a 32-bit BAR may not even contain the last byte below 4 GiB.
  if (type !== 'mem64' && last >= LAST_32_BIT_ADDRESS) return { unmapped: 'ends-beyond-32-bits' };
  if (last >= LAST_ADDRESS) return { unmapped: 'ends-at-top' };
  return { address };
}
