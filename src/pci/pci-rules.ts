import type { Address, Size } from '../address/index.ts';
import { decodeBar, type BarDecoding } from './bar.ts';
import type { BarType } from '../pci-layout/index.ts';

/** What the PCI core may do otherwise when software programs a BAR. */
export interface PciRules {
  /**
   * Where a BAR answers by its registers (pci_bar_address, pci fact 4.1).
   *
   * @param register both halves of a 64-bit BAR; flag bits and bits below the size count for nothing.
   * @param size in bytes, a power of two.
   * @param addressZeroAllowed whether the machine lets a BAR live at address 0.
   */
  decodeBar(type: BarType, register: bigint, size: Size, addressZeroAllowed: boolean): BarDecoding;
  /** Whether a BAR answers although COMMAND does not enable its address space. */
  readonly decodesWhileDisabled: boolean;
  /** Whether a BAR that answers at `after` has to be moved there from `before`; `undefined` is nowhere. */
  hasMoved(before: Address | undefined, after: Address | undefined): boolean;
  /** Whether a device that is unplugged takes its BARs away (pci_unregister_io_regions). */
  readonly unmapsOnUnplug: boolean;
}

/** What QEMU does. */
export const QEMU_PCI: PciRules = {
  decodeBar,
  decodesWhileDisabled: false,
  hasMoved: (before, after) => before !== after,
  unmapsOnUnplug: true,
};
