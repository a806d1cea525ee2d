import { powerOfTwoCeiling, type Address, type Size } from '../address/index.ts';
import { RomRegister, type BarType } from '../pci-layout/index.ts';
import { decodeBar, type BarDecoding } from './bar.ts';

/** The decisions of the PCI core that a revision or a patch can change. */
export interface PciRules {
  /**
   * Where a BAR answers by its registers (pci_bar_address, pci fact 4.1).
   *
   * @param register 32 bits, or both halves of a 64-bit BAR, with flag bits and bits below the size.
   * @param size of the BAR in bytes: a power of two.
   * @param addressZeroAllowed whether the machine allows a BAR at address 0.
   */
  decodeBar(type: BarType, register: bigint, size: Size, addressZeroAllowed: boolean): BarDecoding;
  /** The bits of a BAR's register that software can write, which a probe for the size reads (pci fact 4.5). */
  writableBits(type: BarType, size: Size): bigint;
  /** Whether a write to a BAR's register counts; `value` is what software writes into the 4 bytes. */
  acceptsWrite(value: number, isDecoding: boolean): boolean;
  /** Priority with which a BAR is added to its bus (pci_update_mappings, pci fact 4.3). */
  readonly barPriority: number;
  /** Whether BARs move after a reset of the function has changed their registers (pci fact 4.8). */
  readonly movesOnReset: boolean;
  /** Whether a BAR answers although COMMAND does not enable its address space. */
  readonly decodesWhileDisabled: boolean;
  /** Whether a BAR answers in another power state than D0 (before 10.0; pci fact 4.2). */
  readonly decodesOutsideD0: boolean;
  /** Whether QEMU moves a BAR from bus address `before` to `after`; `undefined` means nowhere. */
  hasMoved(before: Address | undefined, after: Address | undefined): boolean;
  /** Whether an unplug removes the device's BARs from the bus (pci_unregister_io_regions, pci fact 4.9). */
  readonly unmapsOnUnplug: boolean;
  /** The bits of the expansion ROM's register that software can write: its address and its enable bit (pci fact 4.10). */
  romWritableBits(size: Size): bigint;
  /**
   * Whether a write to the expansion ROM's register counts (pci fact 4.10).
   *
   * @param isEnabled whether the ROM's enable bit is set before the write.
   */
  acceptsRomWrite(value: number, isEnabled: boolean): boolean;
  /** Whether the expansion ROM answers only while the enable bit of its own register is set (pci fact 4.10). */
  readonly honoursRomEnable: boolean;
  /** Whether a write to the expansion ROM's register moves the ROM (pci_default_write_config, pci fact 4.4). */
  readonly movesOnRomWrite: boolean;
  /** Whether a reset clears the expansion ROM's register (pci_reset_regions, pci fact 4.8). */
  readonly resetsRom: boolean;
  /** Whether an unplug removes the expansion ROM from the bus (pci_unregister_io_regions, pci fact 4.9). */
  readonly unmapsRomOnUnplug: boolean;
  /** Bytes of the ROM that QEMU makes of a file of the user's (pci_add_option_rom, pci fact 4.11). */
  romfileSize(bytes: Size): Size;
}

/** The rules of QEMU. */
export const QEMU_PCI: PciRules = {
  decodeBar,
  writableBits: (_type, size) => BigInt.asUintN(64, -size),
  acceptsWrite: () => true,
  barPriority: 1,
  movesOnReset: true,
  decodesWhileDisabled: false,
  decodesOutsideD0: true,
  hasMoved: (before, after) => before !== after,
  unmapsOnUnplug: true,
  romWritableBits: (size) => BigInt.asUintN(32, -size) | BigInt(RomRegister.ENABLE),
  acceptsRomWrite: () => true,
  honoursRomEnable: true,
  movesOnRomWrite: true,
  resetsRom: true,
  unmapsRomOnUnplug: true,
  romfileSize: powerOfTwoCeiling,
};
