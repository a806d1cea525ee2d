import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset } from '../address/index.ts';
import type { DmaMapping } from './iommu-container.ts';
import { MappingTable } from './mapping-table.ts';

const mapping = (at: bigint, size: bigint): DmaMapping => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(at),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(at) },
});

describe('MappingTable', () => {
  const a = mapping(0x1000n, 0x1000n);
  const b = mapping(0x2000n, 0x2000n);
  const last = mapping(0xffff_ffff_ffff_f000n, 0x1000n);

  it('finds mappings by IOVA, and returns the bytes that it removes', () => {
    const table = new MappingTable();
    for (const one of [last, b, a]) table.insert(one);
    expect(table.size).toBe(3);
    expect(table.snapshot()).toEqual([a, b, last]);
    expect(table.firstOverlapping(iova(0n), 0x1000n)).toBeUndefined();
    expect(table.firstOverlapping(iova(0x3fffn), 1n)).toBe(b);
    expect(table.overlapping(iova(0x1fffn), 2n)).toEqual([a, b]);
    expect(table.overlapping(iova(0xffff_ffff_ffff_ffffn), 1n)).toEqual([last]);
    expect(table.remove([a, b])).toBe(0x3000n);
    expect(table.remove([])).toBe(0n);
    expect(table.snapshot()).toEqual([last]);
    expect(table.clear()).toBe(0x1000n);
    expect(table.clear()).toBe(0n);
    expect(table.snapshot()).toEqual([]);
  });

  it('throws for a mapping that overlaps another', () => {
    const table = new MappingTable();
    table.insert(a);
    expect(() => table.insert(mapping(0x1800n, 0x1000n))).toThrow(RangeError);
  });
});
