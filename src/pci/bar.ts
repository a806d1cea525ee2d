import { LAST_ADDRESS, low64, type Address, type Size } from '../address/index.ts';
import type { BarType } from '../pci-layout/index.ts';

/** Why a BAR answers no address, although it exists. */
export type UnmappedReason =
  /** COMMAND does not enable the decoding of its address space. */
  | 'decoding-off'
  /** Address 0, on a machine that takes it for "not programmed". */
  | 'address-zero'
  /** The range wraps around the end of the space, or has a single byte. */
  | 'wraps'
  /** It would end at the last 64-bit address: what sizing leaves behind. */
  | 'ends-at-top'
  /** A 32-bit or I/O BAR that would end at or beyond the last 32-bit address. */
  | 'ends-beyond-32-bits';

/** Where a BAR answers, or why it does not. */
export type BarDecoding =
  | { readonly address: Address; readonly unmapped?: never }
  | { readonly address?: never; readonly unmapped: UnmappedReason };

const LAST_32_BIT_ADDRESS = 0xffff_ffffn;

/**
 * Where a BAR answers while the decoding of its space is switched on (pci_bar_address, pci fact 4.1).
 *
 * @param register the register's value: 32 bits, or both halves of a 64-bit BAR. Flag bits and bits
 *   below the size are ignored, as in hardware.
 * @param size of the BAR in bytes, a power of two.
 * @param addressZeroAllowed whether the machine lets a BAR live at address 0 (arm virt and pseries do,
 *   PCs do not).
 */
export function decodeBar(
  type: BarType,
  register: bigint,
  size: Size,
  addressZeroAllowed: boolean,
): BarDecoding {
  const address = low64(register & -size);
  const last = low64(address + size - 1n);
  if (address === 0n && !addressZeroAllowed) return { unmapped: 'address-zero' };
  if (last <= address) return { unmapped: 'wraps' };
  // The tests are "at or beyond": a 32-bit BAR may not even use the very last byte below 4G.
  if (type !== 'mem64' && last >= LAST_32_BIT_ADDRESS) return { unmapped: 'ends-beyond-32-bits' };
  if (last >= LAST_ADDRESS) return { unmapped: 'ends-at-top' };
  return { address };
}
