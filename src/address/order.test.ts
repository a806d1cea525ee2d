import { describe, expect, it } from 'vitest';
import { greater, lesser, totalSize } from './order.ts';

describe('lesser and greater', () => {
  it.each([
    [0n, 1n],
    [0xffff_ffff_ffff_ffffn, 0x1_0000_0000_0000_0000n],
    [5n, 5n],
  ])('of %d and %d do not depend on the order', (low, high) => {
    expect([lesser(low, high), lesser(high, low)]).toEqual([low, low]);
    expect([greater(low, high), greater(high, low)]).toEqual([high, high]);
  });
});

it('totalSize is the sum of sizes, and 0 of nothing', () => {
  expect(totalSize([{ size: 0x1000n }, { size: 1n << 64n }])).toBe((1n << 64n) + 0x1000n);
  expect(totalSize([])).toBe(0n);
});
