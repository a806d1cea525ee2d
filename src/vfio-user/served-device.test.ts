import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { endOfMmaps } from './served-device.ts';

describe('endOfMmaps', () => {
  const flags = { read: true, write: true, mmap: true };
  const areas = [{ offset: offset(0x3000n), size: 0x2000n }];

  it('is the end of a BAR without areas', () => {
    expect(endOfMmaps({ size: 0x4000n, flags, capabilities: [{ id: 3 }] })).toBe(0x4000n);
  });

  it('is the end of an area that reaches beyond the BAR', () => {
    expect(endOfMmaps({ size: 0x4000n, flags, capabilities: [{ id: 1, areas }] })).toBe(0x5000n);
  });

  it('is the end of a BAR whose areas end before it', () => {
    expect(endOfMmaps({ size: 0x8000n, flags, capabilities: [{ id: 1, areas }] })).toBe(0x8000n);
  });
});
