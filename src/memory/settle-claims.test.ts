import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../address/index.ts';
import { collectClaims } from './claim.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';
import { settleClaims } from './settle-claims.ts';
import { stack } from './testing/stack.ts';

const everywhere = { start: 0n, end: END_OF_SPACE };
const PAGE = 0x1000n;

/** The ranges below `root`, as `name first-page..page-after +page-in-region`. */
const settled = (root: MemoryRegion): string[] =>
  settleClaims(collectClaims(root, everywhere)).map(
    ({ start, end, region, offset }) => `${region.name} ${start / PAGE}..${end / PAGE} +${offset / PAGE}`,
  );

describe('settleClaims', () => {
  it('gives no range without claims', () => {
    expect(settleClaims([])).toEqual([]);
  });

  it('gives one range of an unmergeable region over one that begins below it', () => {
    const topology = new MemoryTopology();
    const root = MemoryRegion.container('root', END_OF_SPACE);
    topology.addSubregion(root, MemoryRegion.ram('hidden', PAGE), offset(2n * PAGE));
    const top = MemoryRegion.ram('top', 4n * PAGE, { unmergeable: true });
    topology.addSubregion(root, top, offset(0n), 1);
    expect(settled(root)).toEqual(['top 0..4 +0']);
  });

  it('gives the same ranges for all claims at once and for a few at a time', () => {
    // Addresses above 2^53, where doubles round neighbours to the same number; pairs with equal starts; overlaps.
    const regions = Array.from({ length: 3_000 }, (_, index) => {
      const place = BigInt((index * 1_103) % 3_000);
      const address = (1n << 62n) + (place >> 1n) * 0x20n + (place & 1n) * BigInt(index % 3) * 8n;
      return { name: String(index), address, size: 0x10n + BigInt(index % 5) * 0x10n };
    });
    const topology = new MemoryTopology();
    const root = MemoryRegion.container('root', END_OF_SPACE);
    for (const { name, address, size } of regions) {
      topology.addSubregion(root, MemoryRegion.ram(name, size), offset(address));
    }
    const text = (ranges: ReturnType<typeof settleClaims>): string[] =>
      ranges.map(({ start, end, region }) => `${start}..${end} ${region.name}`);
    const all = settleClaims(collectClaims(root, everywhere));
    expect(all.length).toBeGreaterThan(1_200);
    // The windows begin where a range does, so that no range is cut in two.
    const edges = all.map(({ start }) => start).filter((_, index) => index % 100 === 0);
    const pieces = edges.flatMap((start, index) =>
      settleClaims(collectClaims(root, { start, end: edges[index + 1] ?? END_OF_SPACE })),
    );
    expect(text(pieces)).toEqual(text(all));
  });

  it.each([
    ['of a single claim', [['a', 1, 2]], ['a 1..3 +0']],
    ['of claims side by side', [['a', 0, 1], ['b', 1, 1]], ['a 0..1 +0', 'b 1..2 +0']], // prettier-ignore
    ['of claims with a gap between', [['b', 4, 1], ['a', 0, 1]], ['a 0..1 +0', 'b 4..5 +0']], // prettier-ignore
    ['of claims at the same place', [['a', 0, 2], ['b', 0, 2]], ['a 0..2 +0']], // prettier-ignore
    ['of claims with the same start, the top one shorter', [['a', 0, 1], ['b', 0, 3]], ['a 0..1 +0', 'b 1..3 +1']], // prettier-ignore
    ['of claims with the same start, the top one longer', [['a', 0, 3], ['b', 0, 1]], ['a 0..3 +0']], // prettier-ignore
    ['of a claim in the middle of a lower one', [['a', 2, 1], ['b', 0, 5]], ['b 0..2 +0', 'a 2..3 +0', 'b 3..5 +3']], // prettier-ignore
    ['of a lower claim that begins and ends inside a higher one (QM-02)', [['a', 0, 8], ['b', 2, 2]], ['a 0..8 +0']], // prettier-ignore
    ['of a lower claim that begins inside a higher one and ends behind', [['a', 0, 3], ['b', 2, 3]], ['a 0..3 +0', 'b 3..5 +1']], // prettier-ignore
    [
      'of five claims, one inside the other',
      [['a', 4, 1], ['b', 3, 3], ['c', 2, 5], ['d', 1, 7], ['e', 0, 16]], // prettier-ignore
      ['e 0..1 +0', 'd 1..2 +0', 'c 2..3 +0', 'b 3..4 +0', 'a 4..5 +0', 'b 5..6 +2', 'c 6..7 +4', 'd 7..8 +6', 'e 8..16 +8'], // prettier-ignore
    ],
    [
      'of four lower claims that end inside a higher one, and a fifth that ends behind',
      [['a', 0, 8], ['b', 1, 1], ['c', 2, 1], ['d', 3, 1], ['e', 0, 4], ['f', 7, 2]], // prettier-ignore
      ['a 0..8 +0', 'f 8..9 +1'],
    ],
  ] as [string, [string, number, number][], string[]][])('gives the ranges %s', (_, places, expected) => {
    expect(settled(stack(...places))).toEqual(expected);
  });

  it('gives each page to the first claim that covers it, for every order of six claims', () => {
    const shapes = [[0, 8], [1, 6], [2, 4], [3, 2], [0, 2], [6, 2]] as const; // prettier-ignore
    const orders = (rest: readonly number[]): number[][] =>
      rest.length === 0 ? [[]] : rest.flatMap((head) => orders(rest.filter((other) => other !== head)).map((tail) => [head, ...tail])); // prettier-ignore
    for (const order of orders(shapes.map((_, index) => index))) {
      const root = stack(...order.map((index) => [String(index), ...shapes[index]!] as const));
      const owners = Array.from({ length: 8 }, (_, page) =>
        order.find((index) => shapes[index]![0] <= page && page < shapes[index]![0] + shapes[index]![1]),
      );
      const found = settleClaims(collectClaims(root, everywhere)).flatMap(({ start, end, region }) =>
        Array.from({ length: Number((end - start) / PAGE) }, () => Number(region.name)),
      );
      expect(found).toEqual(owners);
    }
  });
});
