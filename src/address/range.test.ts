import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS } from './address.ts';
import {
  contains,
  firstEndingAbove,
  intersection,
  joinRanges,
  lengthOf,
  overlaps,
  partsOutside,
  type Range,
} from './range.ts';

const run = { seed: 0x4a9e, numRuns: 500 };
const range = (start: bigint, end: bigint): Range => ({ start, end });
const bound = fc.bigInt({ min: 0n, max: 12n });
/** Small ranges, so that a test can go through all their addresses. */
const smallRange = fc.tuple(bound, bound).map(([a, b]) => (a < b ? range(a, b) : range(b, a)));
const addresses = ({ start, end }: Range): bigint[] =>
  Array.from({ length: Number(end - start) }, (_, index) => start + BigInt(index));

describe('overlaps', () => {
  it.each([
    [range(0n, 0x1000n), range(0x1000n, 0x2000n), false],
    [range(0n, 0x1001n), range(0x1000n, 0x2000n), true],
    [range(0n, END_OF_SPACE), range(LAST_ADDRESS, END_OF_SPACE), true],
    [range(0n, LAST_ADDRESS), range(LAST_ADDRESS, END_OF_SPACE), false],
    [range(0n, 1n << 32n), range(1n << 32n, (1n << 32n) + 1n), false],
    [range((1n << 63n) - 1n, (1n << 63n) + 1n), range(1n << 63n, END_OF_SPACE), true],
    // QM-01: the first range ends beyond 2^63, which overflowed QEMU's signed 64-bit sum.
    [range(0x100_0000_0000n, 0x8000_00ff_ffff_ffffn), range(0x100_1000_0000n, 0x100_2000_0000n), true],
  ])('of %o and %o is %s', (a, b, expected) => {
    expect(overlaps(a, b)).toBe(expected);
    expect(overlaps(b, a)).toBe(expected);
  });

  it('is true exactly if two non-empty ranges have an address in common', () => {
    fc.assert(
      fc.property(smallRange, smallRange, (a, b) => {
        fc.pre(a.start < a.end && b.start < b.end);
        expect(overlaps(a, b)).toBe(addresses(a).some((address) => addresses(b).includes(address)));
      }),
      run,
    );
  });

  it('is false of an empty range inside another range', () => {
    expect(overlaps(range(5n, 5n), range(0n, 10n))).toBe(false);
    expect(overlaps(range(0n, 10n), range(5n, 5n))).toBe(false);
  });
});

describe('contains', () => {
  it('is true exactly if every address of the inner range is in the outer range', () => {
    fc.assert(
      fc.property(smallRange, smallRange, (outer, inner) => {
        fc.pre(inner.start < inner.end);
        const all = addresses(outer);
        expect(contains(outer, inner)).toBe(addresses(inner).every((address) => all.includes(address)));
      }),
      run,
    );
  });

  it.each([
    [range(0n, END_OF_SPACE), range(0n, END_OF_SPACE), true],
    [range(0n, END_OF_SPACE), range(LAST_ADDRESS, END_OF_SPACE), true],
    [range(0n, LAST_ADDRESS), range(LAST_ADDRESS, END_OF_SPACE), false],
    [range(1n, END_OF_SPACE), range(0n, 2n), false],
  ])('of %o and, inside, %o is %s', (outer, inner, expected) => {
    expect(contains(outer, inner)).toBe(expected);
  });
});

describe('intersection', () => {
  it('has exactly the addresses that both ranges have', () => {
    fc.assert(
      fc.property(smallRange, smallRange, (a, b) => {
        const common = addresses(a).filter((address) => addresses(b).includes(address));
        const found = intersection(a, b);
        expect(found === undefined ? [] : addresses(found)).toEqual(common);
        expect(found === undefined).toBe(common.length === 0);
      }),
      run,
    );
  });

  it('may end at 2^64', () => {
    expect(intersection(range(0n, END_OF_SPACE), range(1n << 63n, END_OF_SPACE))).toEqual(
      range(1n << 63n, END_OF_SPACE),
    );
    expect(intersection(range(0n, 0n), range(0n, END_OF_SPACE))).toBeUndefined();
    expect(intersection(range(END_OF_SPACE, END_OF_SPACE), range(0n, END_OF_SPACE))).toBeUndefined();
  });
});

describe('lengthOf', () => {
  it.each([
    [range(0n, 0n), 0n],
    [range(END_OF_SPACE, END_OF_SPACE), 0n],
    [range(0n, END_OF_SPACE), END_OF_SPACE],
    [range(LAST_ADDRESS, END_OF_SPACE), 1n],
  ])('of %o is %d', (of, expected) => {
    expect(lengthOf(of)).toBe(expected);
  });
});

describe('firstEndingAbove', () => {
  it('is the index of the first range that ends above the address', () => {
    const sorted = fc.uniqueArray(fc.bigInt({ min: 0n, max: 40n }), { maxLength: 16 }).map((bounds) => {
      const edges = bounds.toSorted((a, b) => (a < b ? -1 : 1));
      // Some gaps between two edges are ranges, and some of these touch the next range.
      return edges.slice(1).flatMap((end, index) => (end % 3n === 0n ? [] : [range(edges[index]!, end)]));
    });
    fc.assert(
      fc.property(sorted, fc.bigInt({ min: -1n, max: 41n }), (ranges, address) => {
        const found = ranges.findIndex(({ end }) => end > address);
        expect(firstEndingAbove(ranges, address)).toBe(found === -1 ? ranges.length : found);
      }),
      run,
    );
  });

  it('is right at both ends of the space', () => {
    const ranges = [range(0n, 1n), range(1n << 63n, LAST_ADDRESS), range(LAST_ADDRESS, END_OF_SPACE)];
    expect(firstEndingAbove([], 0n)).toBe(0);
    expect(firstEndingAbove(ranges, -1n)).toBe(0);
    expect(firstEndingAbove(ranges, 0n)).toBe(0);
    expect(firstEndingAbove(ranges, 1n)).toBe(1);
    expect(firstEndingAbove(ranges, LAST_ADDRESS - 1n)).toBe(1);
    expect(firstEndingAbove(ranges, LAST_ADDRESS)).toBe(2);
    expect(firstEndingAbove(ranges, END_OF_SPACE)).toBe(3);
  });
});

/** Up to eight ranges below address 40, which may overlap. */
const someRanges = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 6 })), { maxLength: 8 })
  .map((pairs) => pairs.map(([start, size]) => range(BigInt(start), BigInt(start + size))));

const holds =
  (address: bigint) =>
  ({ start, end }: Range): boolean =>
    start <= address && address < end;

describe('joinRanges', () => {
  it('joins ranges that touch or overlap, in order of address or not', () => {
    const [low, middle, high] = [range(0n, 4n), range(4n, 6n), range(8n, 9n)];
    const joined = [range(0n, 6n), high];
    expect(joinRanges([low, middle, high])).toEqual(joined);
    expect(joinRanges([high, middle, low])).toEqual(joined);
    expect(joinRanges([low, range(1n, 2n), range(3n, 6n), high])).toEqual(joined);
    expect(joinRanges([high])).toEqual([high]);
    expect(joinRanges([])).toEqual([]);
  });

  it('has the same addresses in sorted ranges with a gap between any two', () => {
    fc.assert(
      fc.property(someRanges, (ranges) => {
        const joined = joinRanges(ranges);
        for (let address = 0n; address < 40n; address++)
          expect(joined.some(holds(address))).toBe(ranges.some(holds(address)));
        for (let index = 1; index < joined.length; index++)
          expect(joined[index - 1]!.end).toBeLessThan(joined[index]!.start);
      }),
      run,
    );
  });
});

describe('partsOutside', () => {
  it('is what other ranges leave at both ends and between them', () => {
    expect(partsOutside(range(2n, 10n), [range(7n, 8n), range(0n, 3n), range(4n, 7n)])).toEqual([
      range(3n, 4n),
      range(8n, 10n),
    ]);
    expect(partsOutside(range(2n, 10n), [range(0n, 2n), range(10n, 12n)])).toEqual([range(2n, 10n)]);
    expect(partsOutside(range(2n, 10n), [range(2n, 10n)])).toEqual([]);
  });

  it('has the addresses of the range that no other range has, in order', () => {
    fc.assert(
      fc.property(someRanges, fc.nat(20), fc.nat(20), (covered, first, size) => {
        const whole = range(BigInt(first), BigInt(first + size));
        const parts = partsOutside(whole, covered);
        for (let address = 0n; address < 42n; address++)
          expect(parts.some(holds(address))).toBe(holds(address)(whole) && !covered.some(holds(address)));
        for (const [index, part] of parts.entries()) {
          expect(part.start).toBeLessThan(part.end);
          if (index > 0) expect(parts[index - 1]!.end).toBeLessThan(part.start);
        }
      }),
      run,
    );
  });
});
