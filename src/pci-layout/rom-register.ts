import { ROM_SLOT, RomRegister } from './registers.ts';

const ADDRESS_BITS = BigInt(RomRegister.ADDRESS);

/** The bits of the expansion ROM's register below its address. */
export const ROM_TYPE_BITS: bigint = 0xffff_ffffn & ~ADDRESS_BITS;

/** What the guest writes into the expansion ROM's register: an address, and whether the ROM answers there. */
export const romRegister = (address: bigint, enabled: boolean): number =>
  Number(BigInt.asUintN(32, address) & ADDRESS_BITS) + (enabled ? RomRegister.ENABLE : 0);

/**
 * What Linux writes to size a BAR, 0 to 5: all ones. For the expansion ROM, 6, all address bits, and the enable bit as it is
 * (PCI_ROM_ADDRESS_MASK).
 *
 * @param value the register before.
 */
export const sizingProbe = (index: number, value: number): bigint =>
  index === ROM_SLOT ? BigInt(value) | ADDRESS_BITS : 0xffff_ffffn;
