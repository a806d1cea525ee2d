import fc from 'fast-check';
import { hex } from '../../src/address/index.ts';
import {
  addresses,
  call,
  COMMON_START,
  END,
  fewRanges,
  places,
  sizes,
  unknownFlags,
  withArgsz,
} from './host-call-values.ts';

/** FIXED_IOVA, WRITEABLE and READABLE; a chosen IOVA; and what the kernel refuses. */
const mapFlags = fc.oneof(
  { weight: 16, arbitrary: fc.constantFrom(7, 7, 7, 5, 3) },
  { weight: 3, arbitrary: fc.constantFrom(6, 4, 2) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
  { weight: 1, arbitrary: unknownFlags },
);

/** The names that a session gives to its dma-bufs; the last one is never exported. */
const names = fc.constantFrom('a', 'a', 'a', 'b', 'b', 'c', 'none');

/** The addresses of the iommufd calls are often the last ones, which iommufd tests on their own. */
const iovas = (page: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    { weight: 16, arbitrary: addresses(page) },
    { weight: 1, arbitrary: fc.constantFrom(END - 1n, END - 2n, END - page, END - page - 1n, 0n) },
  );

/** Calls on an address space of iommufd, and on the device that is bound to it. */
export function iommufdCalls(page: bigint): fc.Arbitrary<object> {
  const iova = iovas(page).map(hex);
  const range = { iova, size: sizes(page).map(hex) };
  const exact = fewRanges(page);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: withArgsz(
        fc.record({ ...call('ioas-map'), ...range, vaddr: places(page), flags: mapFlags }),
        40,
      ),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(exact, fc.record({ ...call('ioas-map'), vaddr: places(page), flags: mapFlags }))
        .map(([where, fields]) => ({ ...fields, ...where })),
    },
    { weight: 4, arbitrary: withArgsz(fc.record({ ...call('ioas-unmap'), ...range }), 24) },
    { weight: 2, arbitrary: exact.map((where) => ({ call: 'ioas-unmap', ...where })) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom([0n, END - 1n], [0n, END - 2n], [1n, END - 1n], [COMMON_START, END - COMMON_START])
        .map(([start, size]) => ({ call: 'ioas-unmap', iova: hex(start!), size: hex(size!) })),
    },
    {
      weight: 1,
      arbitrary: withArgsz(
        fc.record({ ...call('ioas-iova-ranges'), count: fc.constantFrom(0, 1, 2, 3, 8, 64, 2 ** 32 - 1) }),
        32,
      ),
    },
    { weight: 4, arbitrary: exports(page) },
    {
      weight: 5,
      arbitrary: withArgsz(
        fc
          .tuple(
            fc.oneof({ weight: 3, arbitrary: exact }, { weight: 1, arbitrary: fc.record(range) }),
            fc.record({
              ...call('ioas-map-file'),
              name: names,
              flags: mapFlags,
              start: starts(page),
              ...lengths(page),
            }),
          )
          .map(([where, { size, ...fields }]) => ({ ...fields, iova: where.iova, size: size ?? where.size })),
        40,
      ),
    },
    { weight: 2, arbitrary: withArgsz(fc.record(call('attach')), 12) },
    { weight: 2, arbitrary: withArgsz(fc.record(call('detach')), 8) },
    { weight: 1, arbitrary: fc.constantFrom(true, true, false).map((on) => ({ call: 'decode', on })) },
  );
}

/** Where a mapping begins in a dma-buf. */
const starts = (page: bigint): fc.Arbitrary<string> =>
  fc
    .oneof(
      { weight: 8, arbitrary: fc.constantFrom(0n, 0n, 0n, page, 2n * page) },
      { weight: 1, arbitrary: fc.constantFrom(0x800n, page / 2n, END - page, END - 1n) },
    )
    .map(hex);

/** The length of a mapping of a dma-buf: a few pages, or that of a range of addresses. */
const lengths = (page: bigint) => ({
  size: fc.option(
    fc
      .oneof(
        { weight: 6, arbitrary: fc.constantFrom(page, page, 2n * page, 4n * page) },
        { weight: 1, arbitrary: sizes(page) },
      )
      .map(hex),
    { nil: undefined },
  ),
});

/** Exports of one range or more, mostly inside the BAR. */
function exports(page: bigint): fc.Arbitrary<object> {
  const range = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom([0n, page], [0n, 4n * page], [page, page], [page, 3n * page]) },
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constantFrom(0n, page, 3n * page, 4n * page, page / 2n, END - page, END - 4n * page, 1n << 63n),
        sizes(page),
      ),
    },
  );
  const ranges = fc
    .oneof(
      { weight: 9, arbitrary: fc.tuple(range) },
      { weight: 2, arbitrary: fc.array(range, { minLength: 0, maxLength: 3 }) },
    )
    .map((all) => all.map(([offset, size]) => [hex(offset!), hex(size!)]));
  return withArgsz(
    fc.record({
      ...{ call: fc.constant('export-dma-buf'), name: fc.constantFrom('a', 'a', 'b', 'c') },
      bar: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(0, 0, 0, 2) },
        { weight: 1, arbitrary: fc.constantFrom(1, 3, 4, 5, 6, 7, 9, 2 ** 32 - 1) },
      ),
      ranges,
      flags: fc.oneof(
        { weight: 16, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.constantFrom(1, 2 ** 31) },
      ),
    }),
    24,
  );
}
