import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset } from '../address/index.ts';
import { Errno } from './errno.ts';
import type { DmaMapping } from './iommu-container.ts';
import { OrderedMappings, SearchedMappings, type Type1Mappings } from './type1-mappings.ts';

const P = 0x1000n;
const END = 1n << 64n;
const TOP = END - P;

/** A mapping, whose memory tells it from others of the same range. */
const mapping = (at: bigint, size: bigint, memory = 0n): DmaMapping => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(memory),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0n) },
});

const filled = <Mappings extends Type1Mappings>(mappings: Mappings, ...all: DmaMapping[]): Mappings => {
  for (const one of all) mappings.insert(one);
  return mappings;
};

/** The start of each mapping that an unmap concerns, or the error with which it is refused. */
const unmapped = (mappings: Type1Mappings, at: bigint, size: bigint, version: 1 | 2 = 2) => {
  const plan = mappings.toUnmap(iova(at), size, version);
  return typeof plan === 'number' ? plan : plan.map((one) => one.iova);
};

// Below 2^64 the kernel of every release finds the same mappings.
describe.each([
  { name: 'OrderedMappings (Linux 6.18 and later)', make: () => new OrderedMappings() },
  { name: 'SearchedMappings (Linux before 6.18)', make: () => new SearchedMappings() },
])('$name', ({ make }) => {
  const three = () => filled(make(), mapping(4n * P, 2n * P), mapping(P, P), mapping(8n * P, P));

  it.each([
    ['its first page', 4n * P, P, 4n * P],
    ['its last page', 5n * P, P, 4n * P],
    ['a range that ends in it', 3n * P, 2n * P, 4n * P],
    ['a range that begins in it', 5n * P, 2n * P, 4n * P],
    ['its last byte', 6n * P - 1n, 1n, 4n * P],
    ['the byte before it', 4n * P - 1n, 1n, undefined],
    ['the page before it', 3n * P, P, undefined],
    ['the page behind it', 6n * P, P, undefined],
    ['the hole between two', 2n * P, 2n * P, undefined],
    ['all pages up to the lowest', 0n, P, undefined],
    ['all pages from the highest on', 9n * P, 9n * P, undefined],
  ])('finds a mapping by %s', (_, at, size, found) => {
    expect(three().find(iova(at), size)?.iova).toBe(found);
  });

  it.each([
    ['a mapping', 4n * P, 2n * P, [4n * P], [4n * P]],
    ['two mappings and the hole between', P, 5n * P, [P, 4n * P], [P, 4n * P]],
    ['all mappings', 0n, 16n * P, [P, 4n * P, 8n * P], [P, 4n * P, 8n * P]],
    ['a range that ends where a mapping begins', 2n * P, 2n * P, [], []],
    ['a range that begins where a mapping ends', 6n * P, 2n * P, [], []],
    ['the range behind a mapping that holds the byte before', 6n * P, 3n * P, [8n * P], [8n * P]],
    ['the second page of a mapping (host facts U10 and R1.5.3)', 5n * P, P, Errno.EINVAL, []],
    ['a mapping from its second page on, and another', 5n * P, 4n * P, Errno.EINVAL, []],
    ['the first page of a mapping (host facts U11 and R1.5.3)', 4n * P, P, Errno.EINVAL, [4n * P]],
    ['a mapping, and the first page of another', P, 4n * P, Errno.EINVAL, [P, 4n * P]],
  ])('unmaps %s as version 2 and version 1 do', (_, at, size, version2, version1) => {
    expect(unmapped(three(), at, size, 2)).toEqual(version2);
    expect(unmapped(three(), at, size, 1)).toEqual(version1);
  });

  it('keeps one snapshot until a mapping comes, goes or changes', () => {
    const mappings = three();
    const first = mappings.snapshot();
    expect(first.map((one) => one.iova)).toEqual([P, 4n * P, 8n * P]);
    expect(mappings.snapshot()).toBe(first);
    mappings.replace(first[0]!, mapping(P, P, 0x5000n));
    const replaced = mappings.snapshot();
    expect(replaced.map((one) => [one.iova, one.hostAddress])).toEqual([
      [P, 0x5000n],
      [4n * P, 0n],
      [8n * P, 0n],
    ]);
    mappings.insert(mapping(2n * P, P));
    expect(mappings.snapshot()).toHaveLength(4);
    expect(mappings.remove(mappings.all())).toBe(5n * P);
    expect([mappings.snapshot(), mappings.size]).toEqual([[], 0]);
    expect(first[0]!.hostAddress).toBe(0n);
  });

  it('has no mapping after one that failed at its memory', () => {
    const mappings = make();
    mappings.insertInVain(mapping(P, P));
    expect([mappings.size, mappings.snapshot(), mappings.find(iova(P), P)]).toEqual([0, [], undefined]);
  });
});

describe('SearchedMappings and OrderedMappings', () => {
  const step = fc.record({
    does: fc.constantFrom('map', 'map in vain', 'unmap', 'unmap all'),
    page: fc.bigInt(0n, 24n),
    pages: fc.bigInt(1n, 4n),
    version: fc.constantFrom(1 as const, 2 as const),
  });

  it('find, unmap and hold the same mappings where none ends at 2^64', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const both: readonly Type1Mappings[] = [new OrderedMappings(), new SearchedMappings()];
        for (const { does, page, pages, version } of steps) {
          const one = mapping(page * P, pages * P);
          const answers = both.map((mappings) => {
            if (does === 'unmap all') return mappings.remove(mappings.all());
            if (does === 'unmap') {
              const plan = mappings.toUnmap(one.iova, one.size, version);
              return typeof plan === 'number' ? plan : mappings.remove(plan);
            }
            const found = mappings.find(one.iova, one.size) !== undefined;
            if (!found && does === 'map') mappings.insert(one);
            if (!found && does === 'map in vain') mappings.insertInVain(one);
            return found;
          });
          expect(answers[1]).toEqual(answers[0]);
          expect(both[1]!.snapshot()).toEqual(both[0]!.snapshot());
          expect(both[1]!.size).toBe(both[0]!.size);
        }
      }),
    );
  });
});

// A mapping that ends at 2^64 ends at 0 for these kernels, so every search goes to the right of it.
describe('SearchedMappings with a mapping that ends at 2^64 (host fact D2)', () => {
  it('go past it at the root, and so unmap nothing to its left', () => {
    const mappings = filled(new SearchedMappings(), mapping(TOP, P), mapping(P, P));
    expect(mappings.find(iova(TOP), P)).toBeUndefined();
    expect(mappings.find(iova(P), P)?.iova).toBe(P);
    expect(unmapped(mappings, P, P)).toEqual([]);
    expect(mappings.all()).toEqual([]);
    expect(mappings.snapshot().map((one) => one.iova)).toEqual([P, TOP]);
  });

  it('find a mapping again after one that failed at its memory has turned the tree', () => {
    const mappings = filled(new SearchedMappings(), mapping(TOP, P), mapping(4n * P, P));
    expect(unmapped(mappings, 4n * P, P)).toEqual([]);
    mappings.insertInVain(mapping(P, P));
    expect(unmapped(mappings, 4n * P, P)).toEqual([4n * P]);
  });

  it('take a range that ends at 2^64 for one that ends before each mapping', () => {
    const mappings = filled(new SearchedMappings(), mapping(P, P), mapping(4n * P, P));
    expect(mappings.find(iova(4n * P), END - 4n * P)).toBeUndefined();
    expect(unmapped(mappings, 4n * P, END - 4n * P)).toEqual([]);
    // What holds the first byte is found, and refuses the call.
    expect(unmapped(filled(new SearchedMappings(), mapping(0n, 2n * P)), P, END - P)).toBe(Errno.EINVAL);
  });

  it('put a mapping to the left of one with the same start, where no search finds it', () => {
    const lost = mapping(8n * P, END - 8n * P);
    const mappings = filled(new SearchedMappings(), lost, mapping(8n * P, P, 0x5000n));
    expect(mappings.find(iova(8n * P), P)).toBeUndefined();
    expect(mappings.snapshot().map((one) => one.hostAddress)).toEqual([0x5000n, 0n]);
  });

  it('unmap from the first of two mappings that a search meets on its way down', () => {
    const range = [0n, P] as const;
    const mappings = filled(
      new SearchedMappings(),
      mapping(8n * P, END - 8n * P),
      mapping(...range, 0x5000n),
    );
    expect(unmapped(mappings, ...range)).toEqual([]);
    // The third mapping turns the tree: the second is its root now, the third to the left.
    mappings.insert(mapping(...range, 0x6000n));
    const plan = mappings.toUnmap(iova(0n), P, 2);
    expect(plan).toMatchObject([{ hostAddress: 0x5000n }]);
  });

  it('tell mappings apart that came with one request', () => {
    const request = mapping(TOP, P);
    const mappings = filled(new SearchedMappings(), request, request);
    expect(mappings.size).toBe(2);
    expect(mappings.snapshot()).toEqual([request, request]);
  });
});
