import { describe, expect, it } from 'vitest';
import { AddressAllocator } from './address-allocator.ts';

const PAGE = 0x1000n;

describe('AddressAllocator', () => {
  it('hands out the highest free addresses first, at the requested alignment', () => {
    const window = new AddressAllocator(0x1000n, 0x1_0000n);
    expect(window.allocate(0x110n, 0x100n)).toBe(0x1_0e00n);
    expect(window.allocate(0x100n, 0x100n)).toBe(0x1_0d00n);
    expect(window.allocate(PAGE, PAGE)).toBe(0xf000n);
    expect(window.allocate(0x80n, 0x80n)).toBe(0x1_0f80n);
  });

  it('hands out nothing if no gap is large enough or the alignment is no power of two', () => {
    const window = new AddressAllocator(0x1000n, 0x1000n);
    expect(window.allocate(0x800n, 0x100n)).toBe(0x1800n);
    expect(window.allocate(0x900n, 0x100n)).toBeUndefined();
    expect(window.allocate(0x300n, 0x300n)).toBeUndefined();
    expect(window.allocate(0n, 0x100n)).toBeUndefined();
    expect(window.allocate(0x800n, 0x100n)).toBe(0x1000n);
    expect(window.allocate(0x10n, 0x10n)).toBeUndefined();
  });

  it.each([
    ['is free', 0x4000n, 0x4000n],
    ['is free up to a taken range', 0x7000n, 0x7000n],
    ['is taken', 0x8000n, undefined],
    ['is partly taken', 0x7800n, undefined],
    ['lies before the window', 0n, undefined],
    ['lies behind the window', 0x1_1000n, undefined],
    ['is not aligned', 0x4800n, undefined],
  ])('answers a request for an address that %s', (_, at, expected) => {
    const window = new AddressAllocator(0x1000n, 0x1_0000n);
    window.allocate(PAGE, PAGE, 0x8000n);
    expect(window.allocate(PAGE, PAGE, at)).toBe(expected);
  });

  it('takes back a range only by its start and size', () => {
    const window = new AddressAllocator(0x1000n, 0x1000n);
    window.allocate(PAGE, PAGE, 0x1000n);
    window.free(0x1000n, 0x800n);
    window.free(0x1800n, 0x800n);
    window.free(0x2000n, 0n);
    expect(window.allocate(PAGE, PAGE)).toBeUndefined();
    window.free(0x1000n, PAGE);
    expect(window.allocate(PAGE, PAGE)).toBe(0x1000n);
  });

  it('covers the addresses of its window', () => {
    const window = new AddressAllocator(0x1000n, 0x1000n);
    expect([0xfffn, 0x1000n, 0x1fffn, 0x2000n].map((at) => window.covers(at))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});
