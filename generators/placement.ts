import { lesser } from '../src/address/index.ts';
import type { BarSpec, MachineType } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

const GIB = 1n << 30n;
const TIB = 1n << 40n;

/** Bus addresses at which a machine shows BARs. */
interface Windows {
  /** Below 4 GiB: first and last address. */
  readonly low: readonly [first: bigint, last: bigint];
  readonly high: readonly [first: bigint, last: bigint];
}

const PC_WINDOWS: Windows = { low: [0xc000_0000n, 0xfebf_ffffn], high: [512n * GIB, TIB - 1n] };

const WINDOWS: Record<MachineType, Windows> = {
  pc: PC_WINDOWS,
  q35: PC_WINDOWS,
  generic: { low: [0xc000_0000n, 0xffff_fffen], high: [512n * GIB, TIB - 1n] },
  virt: { low: [0x1000_0000n, 0x3efe_ffffn], high: [512n * GIB, TIB - 1n] },
  pseries: { low: [0x8000_0000n, 0xffff_fffen], high: [33n * TIB, 34n * TIB - 1n] },
};

/** The windows of a machine; the high one is the upper half of what the CPU addresses, if that ends below 1 TiB. */
function windowsOf(machine: MachineType, physBits: number): Windows {
  const windows = WINDOWS[machine];
  const end = 1n << BigInt(physBits);
  return windows.high[1] < end ? windows : { ...windows, high: [end / 2n, end - 1n] };
}

const is64Bit = (bar: BarSpec): boolean => bar.type.startsWith('mem64');
const up = (value: bigint, unit: bigint): bigint => ((value + unit - 1n) / unit) * unit;

/** Hands out addresses to BARs one after the other, as firmware does. A BAR is aligned to its size. */
export class Placement {
  readonly #windows: Windows;
  readonly #page: bigint;
  #nextLow: bigint;
  #nextHigh: bigint;

  /**
   * @param page the host page size. Most BARs below this size get a page of their own; the others share pages.
   * @param physBits bits that the CPU addresses: firmware puts no BAR above.
   */
  constructor(machine: MachineType, page: bigint, physBits = 64) {
    this.#windows = windowsOf(machine, physBits);
    this.#page = page;
    this.#nextLow = this.#windows.low[0];
    this.#nextHigh = this.#windows.high[0];
  }

  /** The next free address for a memory BAR; for an I/O BAR, any multiple of 0x100 from port 0x1000 up. */
  next(choose: Choose, bar: BarSpec): bigint {
    if (bar.type === 'io') return 0x1000n + 0x100n * BigInt(choose.integer(0, 200));
    const high = is64Bit(bar) && choose.chance(75);
    const unit = choose.chance(60) && bar.size < this.#page ? this.#page : bar.size;
    const address = up(high ? this.#nextHigh : this.#nextLow, unit);
    const [, last] = high ? this.#windows.high : this.#windows.low;
    if (address + bar.size - 1n > last) return this.anywhere(choose, bar);
    if (high) this.#nextHigh = address + bar.size;
    else this.#nextLow = address + bar.size;
    return address;
  }

  /** An address that a guest may write: in a window, at its end, over RAM or firmware, near 4 GiB or 2^64. */
  anywhere(choose: Choose, bar: BarSpec): bigint {
    if (bar.type === 'io') return BigInt(choose.integer(0, 0xffff));
    const { size } = bar;
    const high = is64Bit(bar) && choose.chance(70);
    const [first, last] = high ? this.#windows.high : this.#windows.low;
    const units = (span: bigint): bigint => (span / size > 0n ? span / size : 1n);
    const unit = size > this.#page ? size : this.#page;
    const address = choose.weighted<() => bigint>(
      // On a page boundary near the start of the window, where other BARs are.
      [6, () => first + unit * choose.bigint(0n, 8n)],
      [4, () => first + size * choose.bigint(0n, lesser(units(0x20_0000n), 64n))],
      [1, () => up(last + 1n, size) - size],
      [1, () => up(0xffff_ffffn, size) - size],
      [1, () => size * choose.bigint(0n, units(1n << (high ? BigInt(choose.integer(32, 64)) : 32n)))],
      [1, () => 0xa_0000n + 0x1_0000n * choose.bigint(0n, 5n)],
      // 64-bit: the ends of IOMMUs of 48 and 52 bits, and the sign bit. 32-bit: the interrupt messages of x86.
      [4, () => (high ? (1n << choose.among([48n, 52n, 63n])) - size * choose.bigint(0n, 2n) : 0xfee0_0000n)],
      [1, () => (high ? (1n << 64n) - size * choose.bigint(1n, 3n) : 0xfffc_0000n)],
      [1, () => 0n],
    )();
    return BigInt.asUintN(is64Bit(bar) ? 64 : 32, address);
  }
}
