import { describe, expect, it } from 'vitest';
import { BarRegisters } from './bar-registers.ts';

const HIGH = 0x8000_0000_0000n;

function registers(): BarRegisters {
  const bars = new BarRegisters();
  bars.add(0, 'mem64', 0x1_0000n, HIGH);
  bars.add(2, 'mem32', 0x1000n, 0xc000_0000n);
  bars.add(3, 'io', 0x20n, 0x1000n);
  return bars;
}

describe('BarRegisters', () => {
  it('has a move pending for a BAR that the guest gives another address', () => {
    const bars = registers();
    bars.program(0, HIGH + 0x1_0000n);
    bars.program(2, 0xd000_0008n);
    bars.program(3, 0x2001n);
    expect(bars.takePending()).toEqual([
      { from: HIGH, to: HIGH + 0x1_0000n, size: 0x1_0000n, type: 'mem64' },
      { from: 0xc000_0000n, to: 0xd000_0000n, size: 0x1000n, type: 'mem32' },
      { from: 0x1000n, to: 0x2000n, size: 0x20n, type: 'io' },
    ]);
    expect(bars.takePending()).toEqual([]);
    expect(bars.addressOf(2)).toBe(0xd000_0000n);
  });

  it('does not round the address to the size of the BAR', () => {
    const bars = registers();
    bars.program(2, 0xd000_0810n);
    expect(bars.takePending()[0]!.to).toBe(0xd000_0810n);
  });

  it('has no move pending for the same address, for sizing, or for an absent BAR', () => {
    const bars = registers();
    bars.program(0, HIGH | 0xcn);
    bars.program(0, 0xffff_ffff_0001_0000n);
    bars.program(2, 0xffff_ffffn);
    bars.program(4, 0x1000n);
    expect(bars.takePending()).toEqual([]);
    expect(bars.addressOf(4)).toBeUndefined();
  });

  it('takes all ones in the low half alone for an address with the BAR’s size mask', () => {
    const bars = registers();
    bars.program(0, 0x1_ffff_ffffn);
    expect(bars.takePending()[0]!.to).toBe(0x1_ffff_0000n);
  });

  it('restores the old address of the BAR at the new address', () => {
    const bars = registers();
    bars.program(2, 0xd000_0000n);
    const [move] = bars.takePending();
    bars.restore(move!);
    expect(bars.addressOf(2)).toBe(0xc000_0000n);
    bars.restore(move!);
    expect(bars.addressOf(2)).toBe(0xc000_0000n);
  });
});
