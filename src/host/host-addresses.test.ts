import { describe, expect, it } from 'vitest';
import { HostAddresses } from './index.ts';

describe('HostAddresses', () => {
  it('reserves at the alignment that the VMM asks for, and at no larger one', () => {
    const { reserve } = new HostAddresses();
    expect(reserve(0x1000n, 0x1000n)).toBe(0x7f00_0000_1000n);
    expect(reserve(0x1000n, 0x20_0000n)).toBe(0x7f00_0020_0000n);
    expect(reserve(0x1800n, 0x1000n)).toBe(0x7f00_0020_1000n);
    expect(reserve(0x1000n, 0x1000n)).toBe(0x7f00_0020_3000n);
  });
});
