import fc from 'fast-check';
import { hex } from '../../src/address/index.ts';
import { addresses, places, sizes, unknownFlags } from './host-call-values.ts';

/** The number of a slot: few, so that slots are moved and deleted; at the limit; and in other address spaces. */
const slots = fc.oneof(
  { weight: 14, arbitrary: fc.integer({ min: 0, max: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(32763, 32764, 32766, 32767, 32768, 65535) },
  { weight: 1, arbitrary: fc.constantFrom(0x10000, 0x10001, 0x20000, 0x17ffb) },
);

const flags = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 1, arbitrary: unknownFlags },
  { weight: 1, arbitrary: fc.constant(4) },
);

/** KVM_SET_USER_MEMORY_REGION. */
export function memslotCalls(page: bigint): fc.Arbitrary<object> {
  const call = fc.constant('memslot');
  const size = fc
    .oneof({ weight: 6, arbitrary: sizes(page) }, { weight: 1, arbitrary: fc.constant(0n) })
    .map(hex);
  // One of few slots with memory and size of its own, so that a slot is moved or gets other flags.
  const again = fc
    .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 3 }))
    .map(([slot, pages, given]) => ({
      ...{ call: 'memslot', slot, flags: given, gpa: hex(0x10_0000n + BigInt(pages) * page) },
      ...{
        size: hex(BigInt(slot + 1) * page),
        uaddr: slot === 2 ? 'bar0+0x0' : `ram+${hex(BigInt(slot) * 4n * page)}`,
      },
    }));
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        ...{ call, slot: slots, flags, gpa: addresses(page).map(hex), size, uaddr: places(page) },
      }),
    },
    { weight: 3, arbitrary: again },
  );
}
