import { describe, expect, it } from 'vitest';
import { isAligned } from '../address/index.ts';
import { HostAddressSpace } from './host-address-space.ts';

describe('HostAddressSpace', () => {
  it.each([0x1000n, 0x1_0000n, 0x20_0000n])(
    'aligns to %i bytes and to no larger power of two',
    (alignment) => {
      const { reserve } = new HostAddressSpace();
      for (let turn = 0; turn < 5; turn++) {
        const start = reserve(alignment, alignment);
        expect([isAligned(start, alignment), isAligned(start, 2n * alignment)]).toEqual([true, false]);
      }
    },
  );

  it('reserves no address twice', () => {
    const { reserve } = new HostAddressSpace();
    const large = reserve(0x12345n, 0x1000n);
    expect(reserve(0x1000n, 0x1000n)).toBeGreaterThanOrEqual(large + 0x12345n);
  });
});
