import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LAST_ADDRESS } from './address.ts';
import { atLeast, below, largestPage, pageSizeBitmap, pageSizes, smallestPage } from './page-size-bitmap.ts';

const KiB = 1024n;
const MiB = 1024n * KiB;
/** 4 KiB, 2 MiB and 1 GiB: an IOMMU of x86. */
const X86 = 0x4020_1000n;

const page = fc.bigInt({ min: 0n, max: 63n }).map((bit) => 1n << bit);
const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

describe('a page-size bitmap', () => {
  it('is the union of its page sizes', () => {
    expect(pageSizeBitmap([4n * KiB, 2n * MiB, 1024n * MiB])).toBe(X86);
    expect(pageSizeBitmap([2n * MiB, 4n * KiB, 4n * KiB])).toBe(0x20_1000n);
    expect(pageSizeBitmap([])).toBe(0n);
  });

  it('lists its page sizes in ascending order, each once', () => {
    fc.assert(
      fc.property(fc.array(page), (sizes) => {
        const bitmap = pageSizeBitmap(sizes);
        const expected = [...new Set(sizes)].toSorted(ascending);
        expect(pageSizes(bitmap)).toEqual(expected);
        expect(smallestPage(bitmap)).toBe(expected[0] ?? 0n);
        expect(largestPage(bitmap)).toBe(expected.at(-1) ?? 0n);
      }),
      { seed: 0x9a6e, numRuns: 300 },
    );
  });

  it.each([
    { bitmap: 0n, smallest: 0n, largest: 0n },
    { bitmap: 1n, smallest: 1n, largest: 1n },
    { bitmap: X86, smallest: 4n * KiB, largest: 1024n * MiB },
    { bitmap: LAST_ADDRESS, smallest: 1n, largest: 1n << 63n },
    { bitmap: 0xffff_ffff_ffff_f000n, smallest: 4n * KiB, largest: 1n << 63n },
    { bitmap: 1n << 63n, smallest: 1n << 63n, largest: 1n << 63n },
  ])('has a smallest and a largest page: $bitmap', ({ bitmap, smallest, largest }) => {
    expect(smallestPage(bitmap)).toBe(smallest);
    expect(largestPage(bitmap)).toBe(largest);
  });

  it.each([
    { at: 1n, smaller: 0n },
    { at: 4n * KiB, smaller: 0n },
    { at: 64n * KiB, smaller: 4n * KiB },
    { at: 2n * MiB, smaller: 4n * KiB },
    { at: 1n << 63n, smaller: X86 },
  ])('is divided at $at into the smaller page sizes and the others', ({ at, smaller }) => {
    expect(below(X86, at)).toBe(smaller);
    expect(atLeast(X86, at)).toBe(X86 - smaller);
  });

  it('is the sum of the page sizes below a page size and the others', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: LAST_ADDRESS }), page, (bitmap, at) => {
        expect(pageSizes(below(bitmap, at)).every((size) => size < at)).toBe(true);
        expect(pageSizes(atLeast(bitmap, at)).every((size) => size >= at)).toBe(true);
        expect(below(bitmap, at) + atLeast(bitmap, at)).toBe(bitmap);
      }),
      { seed: 0x9a6e, numRuns: 300 },
    );
  });
});
