import fc from 'fast-check';
import { hex } from '../../src/address/index.ts';
import { END, sizes, unknownFlags } from './host-call-values.ts';

/** The page of the default window, in bytes. */
const WINDOW_PAGE = 0x1000n;
const SECOND_WINDOW = 1n << 59n;

const flags = (usual: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(1, 2, 4) },
    { weight: 1, arbitrary: unknownFlags },
  );

/** Addresses in the default window, in the second one, and in none. */
const addresses = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 24 }).map((pages) => BigInt(pages) * WINDOW_PAGE) },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 0, max: 24 }).map((pages) => SECOND_WINDOW + BigInt(pages) * 0x1_0000n),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0x800n, 0x8000_0000n, 1n << 40n, SECOND_WINDOW - 0x1000n, 1n << 63n),
  },
);

/** Blocks of the ram, of 1 to 16 host pages; few, so that they meet. */
const blocks = (page: bigint): fc.Arbitrary<{ vaddr: string; size: string }> =>
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc
        .tuple(fc.integer({ min: 0, max: 12 }), fc.constantFrom(1n, 2n, 4n, 16n))
        .map(([start, pages]) => ({ vaddr: `ram+${hex(BigInt(start) * page)}`, size: hex(pages * page) })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(
            'ram+0x3e0000',
            'ram+0x3f0000',
            'readonly+0x0',
            'hole+0x0',
            'noaccess+0x0',
            'ram+0x800',
          ),
          fc.oneof(
            { weight: 4, arbitrary: fc.constantFrom(page, 2n * page, 4n * page) },
            { weight: 1, arbitrary: fc.constantFrom(0n, page / 2n, END - page) },
          ),
        )
        .map(([vaddr, size]) => ({ vaddr, size: hex(size) })),
    },
  );

/** Calls on a container of sPAPR TCE v2. A range that might end behind its window is left out by the target. */
export function spaprCalls(page: bigint): fc.Arbitrary<object> {
  const size = fc.oneof(
    { weight: 8, arbitrary: sizes(WINDOW_PAGE) },
    { weight: 2, arbitrary: fc.constantFrom(0x1_0000n, 0x2_0000n) },
  );
  const source = fc
    .tuple(fc.integer({ min: 0, max: 80 }), fc.constantFrom(0n, 0n, 0n, 0n, 0n, 0n, 0x800n))
    .map(([pages, more]) => `ram+${hex((BigInt(pages) * page) / 4n + more)}`);
  const block = (name: string) =>
    fc.tuple(blocks(page), flags(0)).map(([where, given]) => ({ call: name, ...where, flags: given }));
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        ...{ call: fc.constant('map'), iova: addresses.map(hex), size: size.map(hex), vaddr: source },
        flags: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom(1, 2, 3) },
          { weight: 1, arbitrary: flags(0) },
        ),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        ...{ call: fc.constant('unmap'), iova: addresses.map(hex), size: size.map(hex), flags: flags(0) },
      }),
    },
    { weight: 4, arbitrary: block('register') },
    { weight: 2, arbitrary: block('unregister') },
    {
      weight: 1,
      arbitrary: fc.record({
        call: fc.constant('create-window'),
        pageShift: fc.constantFrom(16, 16, 12, 21, 24, 11, 13, 64),
        size: fc
          .constantFrom(1n << 26n, 1n << 28n, 1n << 30n, 1n << 32n, 0n, 0x30_0000n, 0x1001_0000n)
          .map(hex),
        levels: fc.constantFrom(1, 1, 1, 0, 2),
        flags: flags(0),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        ...{ call: fc.constant('remove-window'), flags: flags(0) },
        start: fc.constantFrom(0n, 0n, SECOND_WINDOW, SECOND_WINDOW + 0x1000n, 1n << 40n).map(hex),
      }),
    },
  );
}
