import { PciRegister, RomRegister, type ConfigSpace } from '../pci-layout/index.ts';

const ADDRESS_BITS = BigInt(RomRegister.ADDRESS);

/** The bits of the expansion ROM's register below its address. */
export const ROM_TYPE_BITS: bigint = 0xffff_ffffn & ~ADDRESS_BITS;

/** What the guest writes into the expansion ROM's register: an address, and whether the ROM answers there. */
export const romRegister = (address: bigint, enabled: boolean): number =>
  Number(BigInt.asUintN(32, address) & ADDRESS_BITS) + (enabled ? RomRegister.ENABLE : 0);

/** What Linux writes to size the expansion ROM: all address bits, and the enable bit as it is (PCI_ROM_ADDRESS_MASK). */
export const romProbe = (config: ConfigSpace): bigint =>
  BigInt(config.read(PciRegister.EXPANSION_ROM, 4)) | ADDRESS_BITS;
