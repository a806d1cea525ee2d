import fc from 'fast-check';
import { hex } from '../../src/address/index.ts';

/** The first address behind the 64-bit space. */
export const END = 1n << 64n;

/** Where the addresses of most calls lie, so that ranges overlap and touch. */
export const COMMON_START = 0x4000_0000n;

/** A number of bytes: a few pages, now and then with a remainder, nothing, or much. */
export const sizes = (page: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 1, max: 8 }).map((pages) => BigInt(pages) * page) },
    { weight: 1, arbitrary: fc.constantFrom(0n, page / 2n, page + 1n, 3n * page - 1n, 3n * page + 0x200n) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...[1n << 21n, 1n << 22n, 1n << 30n, 1n << 47n, 1n << 63n],
        ...[END - page, END - 2n * page, END - 1n],
      ),
    },
  );

/** Addresses around which hosts change their mind: reserved ranges, and the widths of IOMMUs and guests. */
const EDGES = [
  ...[0xfee0_0000n, 0xfef0_0000n, 0x800_0000n, 0x809_0000n, 0x80a_0000n, 0x810_0000n],
  ...[1n << 32n, 1n << 36n, 1n << 39n, 1n << 40n, 1n << 42n, 1n << 47n, 1n << 48n],
  ...[0xfd_0000_0000n, 1n << 52n, 1n << 63n, END],
];

/** Addresses near each other, so that ranges overlap and touch, and addresses at edges. */
export const addresses = (page: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.integer({ min: 0, max: 24 }).map((pages) => COMMON_START + BigInt(pages) * page),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom(...EDGES), fc.integer({ min: -3, max: 3 }))
        .map(([edge, pages]) => BigInt.asUintN(64, edge + BigInt(pages) * page)),
    },
    { weight: 1, arbitrary: fc.constantFrom(0n, page / 2n, COMMON_START + 0x800n, 1n << 63n) },
  );

/** Absolute addresses, at which nothing is mapped: low, around the end of user space, and of the kernel. */
const absolutePlaces = (page: bigint): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(0n, 1n << 47n, 1n << 48n, 1n << 55n, 1n << 56n, 1n << 63n, END),
      fc.integer({ min: -3, max: 3 }),
    )
    .map(([edge, pages]) => `abs+${hex(BigInt.asUintN(64, edge + BigInt(pages) * page))}`);

/** Memory that is there, and now and then memory that is not. */
export const places = (page: bigint): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 15,
      arbitrary: fc
        .tuple(
          fc.oneof(
            { weight: 12, arbitrary: fc.constant('ram') },
            { weight: 3, arbitrary: fc.constantFrom('bar0', 'bar0', 'readonly', 'bar2') },
            { weight: 1, arbitrary: fc.constantFrom('hole', 'noaccess') },
          ),
          fc.integer({ min: 0, max: 60 }),
          fc.oneof(
            { weight: 12, arbitrary: fc.constant(0n) },
            { weight: 1, arbitrary: fc.constantFrom(1n, 0x200n, page / 2n) },
          ),
        )
        .map(([area, pages, more]) => {
          const first = area.startsWith('bar') ? pages % 4 : pages;
          return `${area}+${hex(BigInt(first) * page + more)}`;
        }),
    },
    // The last pages of an area, so that ranges reach into the next one.
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(['ram', 0x40_0000n], ['readonly', 0x10_0000n]), fc.integer({ min: 1, max: 4 }))
        .map(([[area, size], pages]) => `${area as string}+${hex((size as bigint) - BigInt(pages) * page)}`),
    },
    { weight: 1, arbitrary: absolutePlaces(page) },
  );

/** `argsz` as it should be, mostly; else too short, or longer than the structure. */
export const withArgsz = (call: fc.Arbitrary<object>, bytes: number): fc.Arbitrary<object> =>
  fc.oneof(
    { weight: 24, arbitrary: call },
    {
      weight: 1,
      arbitrary: fc
        .tuple(call, fc.constantFrom(0, 16, bytes - 1, bytes + 8, 64))
        .map(([fields, argsz]) => ({ ...fields, argsz })),
    },
  );

/** Flags of which no kernel knows the highest ones. */
export const unknownFlags: fc.Arbitrary<number> = fc.constantFrom(8, 11, 16, 67, 2 ** 31);

/** The field that says which call a record is. */
export const call = <Name extends string>(name: Name): { readonly call: fc.Arbitrary<Name> } => ({
  call: fc.constant(name),
});

/** One of few ranges, so that a later call meets a mapping exactly. */
export const fewRanges = (page: bigint): fc.Arbitrary<{ readonly iova: string; readonly size: string }> =>
  fc
    .integer({ min: 0, max: 5 })
    .map((place) => ({ iova: hex(COMMON_START + BigInt(4 * place) * page), size: hex(4n * page) }));
