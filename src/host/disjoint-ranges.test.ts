import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DisjointRanges } from './disjoint-ranges.ts';

const filled = (starts: Iterable<bigint>, length = 1n): DisjointRanges<bigint> => {
  const ranges = new DisjointRanges<bigint>();
  for (const start of starts) ranges.insert({ start, end: start + length }, start);
  return ranges;
};

const upTo = (count: number): bigint[] => Array.from({ length: count }, (_, index) => BigInt(index));

describe('DisjointRanges', () => {
  it('keeps values by rising address, inserted in any order', () => {
    expect(filled([30n, 10n, 20n]).snapshot()).toEqual([10n, 20n, 30n]);
  });

  it('refuses a range that is empty or not free', () => {
    const ranges = filled([10n], 10n);
    expect(() => ranges.insert({ start: 5n, end: 5n }, 5n)).toThrow('empty');
    for (const [start, end] of [
      [10n, 20n],
      [12n, 13n],
      [0n, 11n],
      [19n, 30n],
      [0n, 40n],
    ] as const) {
      expect(() => ranges.insert({ start, end }, start)).toThrow('not free');
    }
    expect(ranges.size).toBe(1);
  });

  it('accepts neighbours on both sides of a range', () => {
    const ranges = filled([10n], 10n);
    ranges.insert({ start: 0n, end: 10n }, 0n);
    ranges.insert({ start: 20n, end: 30n }, 20n);
    expect(ranges.snapshot()).toEqual([0n, 10n, 20n]);
  });

  it('removes a value by the start of its range alone', () => {
    const ranges = filled([10n], 10n);
    expect(ranges.remove(15n)).toBeUndefined();
    expect(ranges.remove(5n)).toBeUndefined();
    expect(ranges.remove(20n)).toBeUndefined();
    expect(ranges.remove(10n)).toBe(10n);
    expect(ranges.remove(10n)).toBeUndefined();
    expect(ranges.size).toBe(0);
  });

  it('finds the values whose ranges share an address with another', () => {
    const ranges = filled([0n, 10n, 20n, 30n], 5n);
    expect(ranges.overlapping(4n, 21n)).toEqual([0n, 10n, 20n]);
    expect(ranges.overlapping(5n, 10n)).toEqual([]);
    expect(ranges.firstOverlapping(4n, 21n)).toBe(0n);
    expect(ranges.firstOverlapping(5n, 11n)).toBe(10n);
    expect(ranges.firstOverlapping(5n, 10n)).toBeUndefined();
    expect(ranges.firstOverlapping(35n, 99n)).toBeUndefined();
    expect(new DisjointRanges().overlapping(0n, 1n)).toEqual([]);
  });

  it('returns the same array until a value is added or removed', () => {
    const ranges = filled([1n]);
    const before = ranges.snapshot();
    expect(ranges.snapshot()).toBe(before);
    expect(ranges.remove(7n)).toBeUndefined();
    expect(ranges.snapshot()).toBe(before);
    ranges.insert({ start: 2n, end: 3n }, 2n);
    expect(ranges.snapshot()).toEqual([1n, 2n]);
    ranges.remove(1n);
    expect(ranges.snapshot()).toEqual([2n]);
    ranges.clear();
    expect(ranges.snapshot()).toEqual([]);
    expect(ranges.size).toBe(0);
    expect(before).toEqual([1n]);
  });

  it.each([
    ['rising', upTo(2000)],
    ['falling', upTo(2000).toReversed()],
    ['alternating', upTo(2000).map((n) => (n % 2n === 0n ? n : 2000n - n))],
  ])('keeps 2000 values inserted at %s addresses', (_, starts) => {
    const ranges = filled(starts);
    expect(ranges.size).toBe(2000);
    expect(ranges.snapshot()).toEqual(upTo(2000));
    expect(ranges.overlapping(500n, 1500n)).toEqual(upTo(1500).slice(500));
    for (const start of upTo(1000)) expect(ranges.remove(start)).toBe(start);
    expect(ranges.snapshot()).toEqual(upTo(2000).slice(1000));
    expect(ranges.firstOverlapping(0n, 1001n)).toBe(1000n);
  });

  it('removes neighbouring values in one call', () => {
    const ranges = filled(upTo(10));
    ranges.removeRun(3n, 4);
    expect(ranges.snapshot()).toEqual([0n, 1n, 2n, 7n, 8n, 9n]);
  });

  it('behaves like a list that is searched from end to end (random operations)', () => {
    const operation = fc.record({
      kind: fc.constantFrom('insert' as const, 'remove' as const, 'find' as const),
      start: fc.bigInt(0n, 60n),
      length: fc.bigInt(1n, 8n),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const ranges = new DisjointRanges<string>();
        let list: { start: bigint; end: bigint; value: string }[] = [];
        for (const { kind, start, length } of operations) {
          const end = start + length;
          const hits = list
            .filter((entry) => entry.start < end && start < entry.end)
            .map(({ value }) => value);
          if (kind === 'find') {
            expect(ranges.overlapping(start, end)).toEqual(hits);
            expect(ranges.firstOverlapping(start, end)).toBe(hits[0]);
          } else if (kind === 'remove') {
            expect(ranges.remove(start)).toBe(list.find((entry) => entry.start === start)?.value);
            list = list.filter((entry) => entry.start !== start);
          } else if (hits.length === 0) {
            const value = `${start}+${length}`;
            ranges.insert({ start, end }, value);
            list = [...list, { start, end, value }].toSorted((a, b) => Number(a.start - b.start));
          } else {
            expect(() => ranges.insert({ start, end }, '')).toThrow(RangeError);
          }
          expect(ranges.snapshot()).toEqual(list.map(({ value }) => value));
          expect(ranges.size).toBe(list.length);
        }
      }),
    );
  });
});
