import type { Size } from '../address/index.ts';
import type { BarType } from '../pci-layout/index.ts';
import type { CloudHypervisorRules } from './revision.ts';

/** A move that the guest has programmed, which the VMM has still to make (BarReprogrammingParams). */
export interface BarMove {
  readonly from: bigint;
  readonly to: bigint;
  readonly size: Size;
  readonly type: BarType;
}

interface Programmed {
  readonly size: Size;
  readonly type: BarType;
  /** The address that the VMM chose, or that the guest has programmed since. */
  address: bigint;
}

const ALL_ONES = 0xffff_ffffn;

/** All ones in a 32-bit BAR, or in the high half of a 64-bit BAR, only ask for the size. */
export const probesWithAllOnes: CloudHypervisorRules['isProbe'] = (type, { low, high }) =>
  (type === 'mem64' ? high : low) === ALL_ONES;

/** The bits of a register that count as address bits; the BAR's size plays no part. */
const addressBits = (type: BarType): bigint => (type === 'io' ? 0xffff_fffcn : 0xffff_fff0n);

/** The BAR registers of a function, which the VMM emulates (pci/src/configuration.rs: PciConfiguration). */
export class BarRegisters {
  readonly #bars = new Map<number, Programmed>();
  #pending: readonly BarMove[] = [];
  readonly #isProbe: CloudHypervisorRules['isProbe'];

  constructor(isProbe: CloudHypervisorRules['isProbe'] = probesWithAllOnes) {
    this.#isProbe = isProbe;
  }

  /** Adds BAR `index` at the address that the VMM chose (PciConfiguration::add_pci_bar). */
  add(index: number, type: BarType, size: Size, address: bigint): void {
    this.#bars.set(index, { type, size, address });
  }

  /** The address that the guest reads from BAR `index`: the one programmed last. */
  addressOf(index: number): bigint | undefined {
    return this.#bars.get(index)?.address;
  }

  /**
   * The guest programs BAR `index`, the high half of a 64-bit BAR last (detect_bar_reprogramming). All ones
   * in a 32-bit BAR, or in the high half of a 64-bit BAR, only ask for the size and move nothing.
   */
  program(index: number, address: bigint): void {
    const bar = this.#bars.get(index);
    if (bar === undefined) return;
    const { type, size } = bar;
    const low = address & ALL_ONES;
    const high = type === 'mem64' ? (address >> 32n) & ALL_ONES : 0n;
    if (this.#isProbe(type, { low, high })) return;
    const lowHalf = type === 'mem64' && low === ALL_ONES ? -size : low;
    const to = (high << 32n) | (lowHalf & addressBits(type));
    if (to === bar.address) return;
    this.#pending = [...this.#pending, { from: bar.address, to, size, type }];
    bar.address = to;
  }

  /** Returns the moves that the VMM has still to make, and clears them. */
  takePending(): readonly BarMove[] {
    const pending = this.#pending;
    this.#pending = [];
    return pending;
  }

  /**
   * Gives a BAR its old address back (restore_bar_addr): the first BAR of the type whose address is the new
   * one.
   */
  restore({ from, to, type }: BarMove): void {
    for (const bar of this.#bars.values()) {
      if (bar.type !== type || bar.address !== to) continue;
      bar.address = from;
      return;
    }
  }
}
