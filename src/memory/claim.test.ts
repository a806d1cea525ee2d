import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../address/index.ts';
import { collectClaims, settleClaims } from './claim.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';

const everywhere = { start: 0n, end: END_OF_SPACE };
const PAGE = 0x1000n;

/** A container of 16 pages with RAM regions at the given pages, the first one on top. */
function stack(...places: readonly (readonly [name: string, page: number, pages: number])[]): MemoryRegion {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container('root', 16n * PAGE);
  for (const [name, page, pages] of places.toReversed()) {
    topology.addSubregion(root, MemoryRegion.ram(name, BigInt(pages) * PAGE), offset(BigInt(page) * PAGE));
  }
  return root;
}

const settled = (root: MemoryRegion, window = everywhere): string[] =>
  settleClaims(collectClaims(root, window)).map(
    ({ start, end, region, offset }) => `${region.name} ${start / PAGE}..${end / PAGE} +${offset / PAGE}`,
  );

describe('claims', () => {
  it('come in the order of rendering, clipped to the window', () => {
    const claims = collectClaims(stack(['a', 0, 4], ['b', 2, 4], ['c', 8, 1]), {
      start: PAGE,
      end: 3n * PAGE,
    });
    expect(claims.map(({ region, start, end }) => [region.name, start, end])).toEqual([
      ['a', PAGE, 3n * PAGE],
      ['b', 2n * PAGE, 3n * PAGE],
    ]);
  });

  it('do not leave the space, wherever the window ends', () => {
    const huge = MemoryRegion.ram('huge', END_OF_SPACE);
    const [claim] = collectClaims(huge, { start: 1n, end: END_OF_SPACE + 1n });
    expect(claim).toMatchObject({ start: 1n, end: END_OF_SPACE });
    new MemoryTopology().setAddress(huge, offset(1n));
    expect(collectClaims(huge, { start: 0n, end: END_OF_SPACE + 1n })).toMatchObject([
      { start: 1n, end: END_OF_SPACE },
    ]);
    expect(collectClaims(huge, { start: END_OF_SPACE, end: END_OF_SPACE + 1n })).toEqual([]);
    expect(collectClaims(huge, { start: 1n, end: 1n })).toEqual([]);
  });

  it('settle to nothing, where there are none', () => {
    expect(settleClaims([])).toEqual([]);
  });

  it('settle alike whether they are few or many', () => {
    // Places far enough up that a double tells no two of them apart, pairs that begin together, and overlaps.
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
    // Windows of few claims each, at whose edges ranges are cut.
    const edges = all.map(({ start }) => start).filter((_, index) => index % 100 === 0);
    const pieces = edges.flatMap((start, index) =>
      settleClaims(collectClaims(root, { start, end: edges[index + 1] ?? END_OF_SPACE })),
    );
    expect(text(pieces)).toEqual(text(all));
  });

  it.each([
    ['alone', [['a', 1, 2]], ['a 1..3 +0']],
    ['side by side', [['a', 0, 1], ['b', 1, 1]], ['a 0..1 +0', 'b 1..2 +0']], // prettier-ignore
    ['apart', [['b', 4, 1], ['a', 0, 1]], ['a 0..1 +0', 'b 4..5 +0']], // prettier-ignore
    ['the same place', [['a', 0, 2], ['b', 0, 2]], ['a 0..2 +0']], // prettier-ignore
    ['same start, the top one shorter', [['a', 0, 1], ['b', 0, 3]], ['a 0..1 +0', 'b 1..3 +1']], // prettier-ignore
    ['same start, the top one longer', [['a', 0, 3], ['b', 0, 1]], ['a 0..3 +0']], // prettier-ignore
    ['a hole in the one below', [['a', 2, 1], ['b', 0, 5]], ['b 0..2 +0', 'a 2..3 +0', 'b 3..5 +3']], // prettier-ignore
    ['hidden from its start on (QM-02)', [['a', 0, 8], ['b', 2, 2]], ['a 0..8 +0']], // prettier-ignore
    ['longer than what hides its start', [['a', 0, 3], ['b', 2, 3]], ['a 0..3 +0', 'b 3..5 +1']], // prettier-ignore
    [
      'many below, ending in any order',
      [['a', 4, 1], ['b', 3, 3], ['c', 2, 5], ['d', 1, 7], ['e', 0, 16]], // prettier-ignore
      ['e 0..1 +0', 'd 1..2 +0', 'c 2..3 +0', 'b 3..4 +0', 'a 4..5 +0', 'b 5..6 +2', 'c 6..7 +4', 'd 7..8 +6', 'e 8..16 +8'], // prettier-ignore
    ],
    [
      'many below, all ended before the top one does',
      [['a', 0, 8], ['b', 1, 1], ['c', 2, 1], ['d', 3, 1], ['e', 0, 4], ['f', 7, 2]], // prettier-ignore
      ['a 0..8 +0', 'f 8..9 +1'],
    ],
  ] as [string, [string, number, number][], string[]][])('settle: %s', (_, places, expected) => {
    expect(settled(stack(...places))).toEqual(expected);
  });

  it('settle the same in whatever order the heap holds them', () => {
    // Every order of eight nested stretches: each page belongs to the first that covers it.
    const shapes = [[0, 8], [1, 6], [2, 4], [3, 2], [0, 2], [6, 2]] as const; // prettier-ignore
    const orders = (rest: readonly number[]): number[][] =>
      rest.length === 0 ? [[]] : rest.flatMap((head) => orders(rest.filter((one) => one !== head)).map((tail) => [head, ...tail])); // prettier-ignore
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
