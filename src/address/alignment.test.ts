import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS } from './address.ts';
import { alignDown, alignUp, isAligned, isPowerOfTwo, lowestSetBit, powerOfTwoCeiling } from './alignment.ts';

const run = { seed: 0xa119, numRuns: 300 };
const address = fc.bigInt({ min: 0n, max: LAST_ADDRESS });
const unit = fc.bigInt({ min: 0n, max: 64n }).map((bit) => 1n << bit);

describe('alignDown and alignUp', () => {
  it.each([
    { value: 0n, unit: 0x1000n, down: 0n, up: 0n },
    { value: 1n, unit: 0x1000n, down: 0n, up: 0x1000n },
    { value: 0xfffn, unit: 0x1000n, down: 0n, up: 0x1000n },
    { value: 0x1000n, unit: 0x1000n, down: 0x1000n, up: 0x1000n },
    { value: 0x1001n, unit: 1n, down: 0x1001n, up: 0x1001n },
    { value: 0xffff_ffffn, unit: 0x1_0000n, down: 0xffff_0000n, up: 1n << 32n },
    { value: (1n << 63n) - 1n, unit: 0x1000n, down: (1n << 63n) - 0x1000n, up: 1n << 63n },
    { value: (1n << 63n) + 1n, unit: 1n << 63n, down: 1n << 63n, up: END_OF_SPACE },
    { value: LAST_ADDRESS, unit: 0x1000n, down: LAST_ADDRESS - 0xfffn, up: END_OF_SPACE },
    { value: END_OF_SPACE, unit: 0x1000n, down: END_OF_SPACE, up: END_OF_SPACE },
    { value: LAST_ADDRESS, unit: END_OF_SPACE, down: 0n, up: END_OF_SPACE },
  ])('round $value to multiples of $unit', ({ value, unit, down, up }) => {
    expect(alignDown(value, unit)).toBe(down);
    expect(alignUp(value, unit)).toBe(up);
  });

  it('are at most one unit apart, with the value between them', () => {
    fc.assert(
      fc.property(address, unit, (value, unit) => {
        const [down, up] = [alignDown(value, unit), alignUp(value, unit)];
        expect([down % unit, up % unit]).toEqual([0n, 0n]);
        expect(down <= value && value <= up).toBe(true);
        expect(up - down).toBe(isAligned(value, unit) ? 0n : unit);
      }),
      run,
    );
  });
});

describe('isAligned', () => {
  it('is true exactly of multiples of the unit', () => {
    fc.assert(
      fc.property(address, unit, fc.boolean(), (value, unit, aligned) => {
        const number = aligned ? value - (value % unit) : value;
        expect(isAligned(number, unit)).toBe(number % unit === 0n);
      }),
      run,
    );
  });

  it.each([0n, 1n << 32n, 1n << 63n, END_OF_SPACE])(
    'is true of %d and false of the next number, for 4 KiB',
    (value) => {
      expect(isAligned(value, 0x1000n)).toBe(true);
      expect(isAligned(value + 1n, 0x1000n)).toBe(false);
    },
  );
});

describe('isPowerOfTwo', () => {
  it.each([1n, 2n, 0x1000n, 1n << 32n, 1n << 63n, END_OF_SPACE])('is true of %d', (value) => {
    expect(isPowerOfTwo(value)).toBe(true);
  });

  it.each([0n, -1n, -2n, 3n, 0x3000n, LAST_ADDRESS, END_OF_SPACE + 1n])('is false of %d', (value) => {
    expect(isPowerOfTwo(value)).toBe(false);
  });
});

describe('powerOfTwoCeiling', () => {
  it.each([
    [0n, 1n],
    [1n, 1n],
    [2n, 2n],
    [3n, 4n],
    [0x1001n, 0x2000n],
    [1n << 32n, 1n << 32n],
    [(1n << 63n) + 1n, END_OF_SPACE],
    [LAST_ADDRESS, END_OF_SPACE],
    [END_OF_SPACE, END_OF_SPACE],
  ])('of %d is %d', (value, expected) => {
    expect(powerOfTwoCeiling(value)).toBe(expected);
  });
});

describe('lowestSetBit', () => {
  it.each([
    [0n, 0n],
    [1n, 1n],
    [0x3000n, 0x1000n],
    [LAST_ADDRESS, 1n],
    [1n << 63n, 1n << 63n],
    [END_OF_SPACE, END_OF_SPACE],
  ])('of %d is %d', (value, expected) => {
    expect(lowestSetBit(value)).toBe(expected);
  });
});
