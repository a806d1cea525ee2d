import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { FlatRange } from './flat-range.ts';
import { MemoryRegion } from './memory-region.ts';
import { RangeList, type RangeEdit } from './range-list.ts';

const region = MemoryRegion.ram('ram', 1n << 40n);
const NOTHING_SET = { readonly: false, nonvolatile: false, unmergeable: false };
/** A range of half a page at the start of page `page`. */
const range = (page: number): FlatRange => {
  const start = BigInt(page) << 12n;
  return new FlatRange(start, start + 0x800n, region, offset(start), NOTHING_SET);
};
/** One range in every tenth page. */
const rangesOf = (count: number): FlatRange[] =>
  Array.from({ length: count }, (_, index) => range(index * 10));

/** Replaces the ranges from page `page` on, up to and including page `last`, by ranges in the pages `added`. */
interface Plan {
  readonly page: number;
  readonly length: number;
  readonly added: number;
}
const plans = (most: number): fc.Arbitrary<readonly Plan[]> =>
  fc.array(
    fc.record({
      page: fc.nat(most * 10),
      length: fc.oneof({ weight: 4, arbitrary: fc.nat(30) }, { weight: 1, arbitrary: fc.nat(most * 10) }),
      added: fc.oneof({ weight: 4, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(700) }),
    }),
    { maxLength: 3 },
  );

/** The same edit of a list and of an array of ranges. */
function edited(list: RangeList, ranges: readonly FlatRange[], edits: readonly Plan[]) {
  const made: RangeEdit[] = [];
  const expected: FlatRange[] = [];
  let next = -1;
  let kept = 0;
  for (const { page, length, added } of edits.toSorted((a, b) => a.page - b.page)) {
    if (page <= next) continue;
    next = page + Math.max(length, added) + 1;
    const start = BigInt(page) << 12n;
    const limit = BigInt(next - 1) << 12n;
    const from = list.placeOf(start);
    const taken: FlatRange[] = [];
    const to = list.takeUpTo(limit, from, taken);
    const first = ranges.findIndex(({ end }) => end > start);
    const index = first === -1 ? ranges.length : first;
    const behind = ranges.findIndex((one, at) => at >= index && one.start > limit);
    const stop = behind === -1 ? ranges.length : behind;
    expect(taken).toEqual(ranges.slice(index, stop));
    const ins = Array.from({ length: added }, (_, at) => range(page + at));
    made.push({ from, to, added: ins });
    expected.push(...ranges.slice(kept, index), ...ins);
    kept = stop;
  }
  expected.push(...ranges.slice(kept));
  return { list: list.edit(made), expected };
}

describe('a RangeList', () => {
  it('holds after any edits what an array would hold', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 5, 511, 512, 513, 3000),
        fc.array(plans(3000), { maxLength: 4 }),
        (count, rounds) => {
          let expected: readonly FlatRange[] = rangesOf(count);
          let list = RangeList.of(expected);
          for (const round of rounds) {
            const next = edited(list, expected, round);
            // The old list has not changed.
            expect(list.all.every((one, index) => one === expected[index])).toBe(true);
            expect(next.list.all.length).toBe(next.expected.length);
            expect(next.list.all.every((one, index) => one === next.expected[index])).toBe(true);
            ({ list, expected } = next);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each<readonly [string, Plan]>([
    ['loses its first ranges', { page: 0, length: 50, added: 0 }],
    ['gets others for ranges in the middle of a chunk', { page: 2000, length: 30, added: 2 }],
    ['loses its last ranges', { page: 19_000, length: 1000, added: 0 }],
    ['gets one range for those of several chunks', { page: 100, length: 15_000, added: 1 }],
  ])('of several chunks has each range once, at its address, when it %s', (_, plan) => {
    const ranges = rangesOf(2000);
    const { list, expected } = edited(RangeList.of(ranges), ranges, [plan]);
    expect(list.all.map(({ start }) => start)).toEqual(expected.map(({ start }) => start));
    for (const one of expected) expect(list.at(list.placeOf(one.start))).toBe(one);
  });

  it('finds the first range that ends above an address, in any chunk', () => {
    const list = RangeList.of(rangesOf(2000));
    for (const page of [0, 10, 5110, 5120, 5130, 19_990]) {
      const start = BigInt(page) << 12n;
      expect(list.at(list.placeOf(start))?.start).toBe(start);
      expect(list.at(list.placeOf(start - 1n))?.start).toBe(start);
      expect(list.at(list.placeOf(start + 0x7ffn))?.start).toBe(start);
    }
    expect(list.at(list.placeOf((19_990n << 12n) | 0x800n))).toBeUndefined();
  });

  it('may lose all its ranges and get others', () => {
    const list = RangeList.of(rangesOf(2_000));
    const taken: FlatRange[] = [];
    const from = list.placeOf(0n);
    const to = list.takeUpTo(1n << 40n, from, taken);
    expect(taken).toHaveLength(2_000);
    const empty = list.edit([{ from, to, added: [] }]);
    expect(empty.all).toEqual([]);
    expect(empty.placeOf(0x5000n)).toEqual({ chunk: 0, index: 0 });
    expect(empty.at({ chunk: 0, index: 0 })).toBeUndefined();
    const place = empty.placeOf(0n);
    const again = empty.edit([{ from: place, to: place, added: [range(3)] }]);
    expect(again.all.map(({ start }) => start)).toEqual([0x3000n]);
  });

  it('gives the same array at each call, and the very array of a short list', () => {
    const short = rangesOf(512);
    expect(RangeList.of(short).all).toBe(short);
    const { list } = edited(RangeList.of(rangesOf(2000)), rangesOf(2000), []);
    expect(list.all).toBe(list.all);
  });
});
