import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitrary, type Choose } from './index.ts';

const DRAWS = 4_000;

/** `DRAWS` values; the same seed gives the same values. */
const drawn = <T>(draw: (choose: Choose) => T, seed = 1): readonly T[] =>
  fc.sample(
    arbitrary(draw, () => []),
    { seed, numRuns: DRAWS },
  );

/** How many values lie in each of the `count` equal parts of the range of `size` numbers from `least`. */
function shares(values: readonly bigint[], least: bigint, size: bigint, count: number): readonly number[] {
  const parts = Array.from({ length: count }, () => 0);
  for (const value of values) parts[Number(((value - least) * BigInt(count)) / size)]!++;
  return parts;
}

/** Pearson's statistic of the counts: about n - 1 for n counts of equal chance, and hardly ever above 2n + 20. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
const isUniform = (counts: readonly number[]): boolean => chiSquare(counts) < 2 * counts.length + 20;

describe('Choose.integer', () => {
  it.each([
    [0, 0],
    [0, 1],
    [-3, 3],
    [7, 12],
    [0, 2048],
  ])('draws every number from %i to %i equally often, both ends included', (least, most) => {
    const values = drawn((choose) => choose.integer(least, most));
    expect(Math.min(...values)).toBe(least);
    expect(Math.max(...values)).toBe(most);
    const parts = Math.min(16, most - least + 1);
    expect(isUniform(shares(values.map(BigInt), BigInt(least), BigInt(most - least + 1), parts))).toBe(true);
  });
});

describe('Choose.bigint', () => {
  it.each([
    [0n, 0n],
    [5n, 5n],
    [0n, 1n],
    [1n, 3n],
    [10n, 16n],
    [0n, 255n],
  ])('draws every number from %i to %i equally often, both ends included', (least, most) => {
    const values = drawn((choose) => choose.bigint(least, most));
    expect([...new Set(values)].toSorted((a, b) => Number(a - b)).at(0)).toBe(least);
    expect([...new Set(values)].toSorted((a, b) => Number(a - b)).at(-1)).toBe(most);
    expect(values.every((value) => value >= least && value <= most)).toBe(true);
    const size = most - least + 1n;
    expect(isUniform(shares(values, least, size, Math.min(16, Number(size))))).toBe(true);
  });

  it.each([31n, 32n, 33n, 48n, 62n, 63n, 64n])('draws no number outside 7 to 2^%i - 1', (bits) => {
    const [least, most] = [7n, (1n << bits) - 1n];
    const values = drawn((choose) => choose.bigint(least, most));
    expect(values.every((value) => value >= least && value <= most)).toBe(true);
  });

  it.each([24n, 30n, 31n])('sets each bit of numbers below 2^%i in half of the draws', (bits) => {
    expect(unevenBits(bits)).toEqual([]);
  });

  it.each([40n, 62n, 63n])('draws each eighth of the numbers below 2^%i equally often', (bits) => {
    const values = drawn((choose) => choose.bigint(0n, (1n << bits) - 1n));
    expect(isUniform(shares(values, 0n, 1n << bits, 8))).toBe(true);
  });

  it.each([32n, 33n, 40n, 62n, 63n, 64n])(
    'sets each bit of numbers below 2^%i in half of the draws, from 32 bits on',
    (bits) => {
      expect(unevenBits(bits)).toEqual([]);
    },
  );

  it('draws numbers in the upper half of 2^32 and of 2^64 values', () => {
    for (const end of [1n << 32n, 1n << 64n]) {
      const values = drawn((choose) => choose.bigint(0n, end - 1n));
      expect(values.some((value) => value >= end / 2n)).toBe(true);
    }
  });

  // The remainder of 64 random bits modulo such a size would be in the lower third twice as often as in the upper.
  it.each([3n << 30n, 3n << 31n, 3n << 62n])('draws each third of %i values equally often', (size) => {
    const values = drawn((choose) => choose.bigint(1n, size));
    expect(isUniform(shares(values, 1n, size, 3))).toBe(true);
  });
});

/** The bits that are set in fewer than 45 or more than 55 of a hundred numbers below 2^`bits`. */
function unevenBits(bits: bigint): readonly bigint[] {
  const values = drawn((choose) => choose.bigint(0n, (1n << bits) - 1n));
  const all = Array.from({ length: Number(bits) }, (_, bit) => BigInt(bit));
  return all.filter((bit) => {
    const share = values.filter((value) => (value >> bit) & 1n).length / DRAWS;
    return share < 0.45 || share > 0.55;
  });
}

describe('Choose.chance', () => {
  it.each([1, 25, 50, 99])('is true in %i of 100 draws', (percent) => {
    const share = (100 * drawn((choose) => choose.chance(percent)).filter(Boolean).length) / DRAWS;
    expect(Math.abs(share - percent)).toBeLessThan(2.5);
  });

  it('is never true at 0 %, and always at 100 %', () => {
    expect(drawn((choose) => choose.chance(0))).not.toContain(true);
    expect(drawn((choose) => choose.chance(100))).not.toContain(false);
  });
});

describe('Choose.among', () => {
  it('draws all values equally often, and a lone value always', () => {
    const values = drawn((choose) => choose.among(['a', 'b', 'c']));
    expect(isUniform(['a', 'b', 'c'].map((each) => values.filter((value) => value === each).length))).toBe(
      true,
    );
    expect(new Set(drawn((choose) => choose.among(['a'])))).toEqual(new Set(['a']));
  });
});

describe('Choose.weighted', () => {
  it('draws each value in proportion to its weight, and a value of weight 0 never', () => {
    const values = drawn((choose) => choose.weighted([1, 'a'], [0, 'b'], [3, 'c'], [4, 'd'], [0, 'e']));
    const share = (of: string): number => (8 * values.filter((value) => value === of).length) / DRAWS;
    expect(share('a')).toBeCloseTo(1, 0);
    expect(share('c')).toBeCloseTo(3, 0);
    expect(share('d')).toBeCloseTo(4, 0);
    expect(values).not.toContain('b');
    expect(values).not.toContain('e');
  });
});

describe('an arbitrary', () => {
  it('gives the same values for the same seed, and other values for another seed', () => {
    const draw = (choose: Choose) => [choose.bigint(0n, 1n << 60n), choose.integer(0, 9), choose.chance(50)];
    expect(drawn(draw, 7)).toEqual(drawn(draw, 7));
    expect(drawn(draw, 7)).not.toEqual(drawn(draw, 8));
  });
});
