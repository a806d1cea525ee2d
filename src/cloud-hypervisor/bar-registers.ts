import type { Size } from '../address/index.ts';
import type { BarType } from '../pci-layout/index.ts';

/** A BAR that software has programmed: what the VMM is to move, when it comes to it (BarReprogrammingParams). */
export interface BarMove {
  readonly from: bigint;
  readonly to: bigint;
  readonly size: Size;
  readonly type: BarType;
}

interface Programmed {
  readonly size: Size;
  readonly type: BarType;
  /** What software was told, or has written since. */
  address: bigint;
}

const ALL_ONES = 0xffff_ffffn;

/** Bits of a register that are writable, whatever the BAR's size. */
const addressBits = (type: BarType): bigint => (type === 'io' ? 0xffff_fffcn : 0xffff_fff0n);

/** The BAR registers of a function, which the VMM keeps by itself (pci/src/configuration.rs: PciConfiguration). */
export class BarRegisters {
  readonly #bars = new Map<number, Programmed>();
  #pending: readonly BarMove[] = [];

  /** The VMM has found a place for BAR `index` (PciConfiguration::add_pci_bar). */
  add(index: number, type: BarType, size: Size, address: bigint): void {
    this.#bars.set(index, { type, size, address });
  }

  /** What software reads back from BAR `index`: its address as it was programmed last. */
  addressOf(index: number): bigint | undefined {
    return this.#bars.get(index)?.address;
  }

  /**
   * Software programs BAR `index`, the high half of a 64-bit one last (detect_bar_reprogramming). All
   * ones in the half that counts are taken for a question about the size, and otherwise forgotten.
   */
  program(index: number, address: bigint): void {
    const bar = this.#bars.get(index);
    if (bar === undefined) return;
    const { type, size } = bar;
    const low = address & ALL_ONES;
    const high = type === 'mem64' ? (address >> 32n) & ALL_ONES : 0n;
    if ((type === 'mem64' ? high : low) === ALL_ONES) return;
    const asked = type === 'mem64' && low === ALL_ONES ? -size : low;
    const to = (high << 32n) | (asked & addressBits(type));
    if (to === bar.address) return;
    this.#pending = [...this.#pending, { from: bar.address, to, size, type }];
    bar.address = to;
  }

  /** The moves that have not been made yet, which are forgotten here. */
  takePending(): readonly BarMove[] {
    const pending = this.#pending;
    this.#pending = [];
    return pending;
  }

  /** Gives the BAR that was to be moved its address back (restore_bar_addr): the first that stands where it was to go. */
  restore({ from, to, type }: BarMove): void {
    for (const bar of this.#bars.values()) {
      if (bar.type !== type || bar.address !== to) continue;
      bar.address = from;
      return;
    }
  }
}
