import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { partOfDmaBuf } from './dma-buf.ts';
import { qemu111 } from './revisions/qemu-11.1.ts';
import { qemu211 } from './revisions/qemu-2.11.ts';

describe('the part of a dma-buf that QEMU maps (vfio fact 5.17)', () => {
  const area = (at: bigint, size: bigint) => ({ offset: offset(at), size });
  const [low, high] = [area(0x1000n, 0x3000n), area(0x8000n, 0x2000n)];
  const at = offset(0x1000n);

  it('is that of the area, where QEMU counts as the kernel does', () => {
    const inLow = partOfDmaBuf({ area: low, areas: [low, high] }, at, qemu211.device);
    expect(inLow).toEqual({ part: { start: 0x1000n, bytes: 0x5000n, ranges: 2 }, mapped: at });
    const inHigh = partOfDmaBuf({ area: high, areas: [low, high] }, at, qemu211.device);
    expect(inHigh).toEqual({ part: { start: 0x4000n, bytes: 0x5000n, ranges: 2 }, mapped: at });
  });

  it('is another one of 11.1, which counts from the start of the BAR', () => {
    const alone = partOfDmaBuf({ area: low, areas: [low] }, at, qemu111.device);
    expect(alone).toEqual({ part: { start: 0x2000n, bytes: 0x3000n, ranges: 1 }, mapped: 0x2000n });
    const first = area(0n, 0x3000n);
    const atStart = partOfDmaBuf({ area: first, areas: [first] }, at, qemu111.device);
    expect(atStart).toEqual({ part: { start: 0x1000n, bytes: 0x3000n, ranges: 1 }, mapped: at });
  });
});
