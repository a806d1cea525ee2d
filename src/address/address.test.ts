import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS, gpa, hostAddress, iova, low64, offset } from './address.ts';

const run = { seed: 0xadd2, numRuns: 300 };

describe('END_OF_SPACE and LAST_ADDRESS', () => {
  it('are 2^64 and 2^64 - 1', () => {
    expect(END_OF_SPACE).toBe(0x1_0000_0000_0000_0000n);
    expect(LAST_ADDRESS).toBe(0xffff_ffff_ffff_ffffn);
  });
});

describe('gpa, iova, hostAddress and offset', () => {
  it.each([gpa, iova, hostAddress, offset])('do not change the number: $name', (mark) => {
    for (const value of [0n, 1n, 1n << 63n, LAST_ADDRESS, END_OF_SPACE]) expect(mark(value)).toBe(value);
  });
});

describe('low64', () => {
  it.each([
    [0n, 0n],
    [1n << 32n, 1n << 32n],
    [1n << 63n, 1n << 63n],
    [LAST_ADDRESS, LAST_ADDRESS],
    [END_OF_SPACE, 0n],
    [END_OF_SPACE + 1n, 1n],
    [-1n, LAST_ADDRESS],
    [-END_OF_SPACE, 0n],
    [-(1n << 63n), 1n << 63n],
    [(1n << 127n) + 5n, 5n],
  ])('of %d is %d', (value, expected) => {
    expect(low64(value)).toBe(expected);
  });

  it('is the non-negative remainder of a division by 2^64', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 130n), max: 1n << 130n }), (value) => {
        const remainder = value % END_OF_SPACE;
        expect(low64(value)).toBe(remainder < 0n ? remainder + END_OF_SPACE : remainder);
      }),
      run,
    );
  });
});
