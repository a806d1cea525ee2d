import fc from 'fast-check';
import { hex } from '../../src/address/index.ts';
import { sizes } from './host-call-values.ts';

/** Calls on the file of a device. */
export function regionCalls(page: bigint): fc.Arbitrary<object> {
  const bar = fc.constantFrom(0, 0, 0, 2, 3, 4, 1, 5, 6, 7, 8, 9);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        ...{ call: fc.constant('mmap'), bar, prot: fc.constantFrom(1, 2, 3, 3) },
        shared: fc.constantFrom(true, true, true, false),
        offset: fc.integer({ min: 0, max: 40 }).map((half) => hex((BigInt(half) * page) / 2n)),
        size: sizes(page).map(hex),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        call: fc.constant('region-info'),
        index: fc.oneof(
          { weight: 6, arbitrary: bar },
          { weight: 1, arbitrary: fc.constantFrom(255, 1 << 20, 2 ** 32 - 1) },
        ),
        argsz: fc.constantFrom(0, 16, 31, 32, 33, 39, 40, 41, 48, 256),
      }),
    },
    { weight: 1, arbitrary: fc.boolean().map((on) => ({ call: 'decode', on })) },
  );
}
