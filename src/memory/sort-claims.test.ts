import { describe, expect, it } from 'vitest';
import { MemoryRegion } from './memory-region.ts';
import { sortClaims } from './sort-claims.ts';

const PAGE = 0x1000n;

describe('sortClaims', () => {
  it.each([5, 12, 13, 40, 1_500])('sorts %d claims by their start, and of equal starts by rank', (count) => {
    const region = MemoryRegion.ram('r', PAGE);
    const attributes = { readonly: false, nonvolatile: false, unmergeable: false };
    const claims = Array.from({ length: count }, (_, rank) => {
      const start = BigInt((rank * 7) % 5) * PAGE;
      return { start, end: start + PAGE, region, base: start, attributes, rank };
    });
    const sorted = sortClaims([...claims]).map(({ start, rank }) => [start, rank]);
    const expected = [0n, 1n, 2n, 3n, 4n].flatMap((page) =>
      claims.filter(({ start }) => start === page * PAGE).map(({ start, rank }) => [start, rank]),
    );
    expect(sorted).toEqual(expected);
  });

  it.each([13, 1_500])('sorts %d claims that come in any order', (count) => {
    const region = MemoryRegion.ram('r', PAGE);
    const attributes = { readonly: false, nonvolatile: false, unmergeable: false };
    const claims = Array.from({ length: count }, (_, at) => {
      const rank = (at * 7919) % count;
      return { start: 0n, end: PAGE, region, base: 0n, attributes, rank };
    });
    expect(sortClaims(claims).map(({ rank }) => rank)).toEqual(
      Array.from({ length: count }, (_, rank) => rank),
    );
  });
});
