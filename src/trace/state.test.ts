import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset } from '../address/index.ts';
import type { DmaMapping } from '../host/index.ts';
import { endOfMapping, firstMappingAbove, sameMapping } from './state.ts';

const mapping = (start: bigint, size: bigint, rest: Partial<DmaMapping> = {}): DmaMapping => ({
  iova: iova(start),
  size,
  hostAddress: hostAddress(0n),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(start) },
  ...rest,
});

describe('sameMapping', () => {
  const one = mapping(0x1000n, 0x1000n);
  const backing = { region: 'ram', owner: undefined, offset: offset(0x1000n) };

  it('compares range, permission and backing', () => {
    expect(sameMapping(one, mapping(0x1000n, 0x1000n))).toBe(true);
    for (const other of [
      mapping(0x2000n, 0x1000n, { backing }),
      mapping(0x1000n, 0x2000n),
      mapping(0x1000n, 0x1000n, { readonly: true }),
      mapping(0x1000n, 0x1000n, { backing: { ...backing, offset: offset(0n) } }),
      mapping(0x1000n, 0x1000n, { backing: { ...backing, region: 'rom' } }),
      mapping(0x1000n, 0x1000n, { backing: { ...backing, owner: 'dev0' } }),
    ]) {
      expect(sameMapping(one, other)).toBe(false);
      expect(sameMapping(other, one)).toBe(false);
    }
  });

  it('ignores the host address', () => {
    expect(sameMapping(one, mapping(0x1000n, 0x1000n, { hostAddress: hostAddress(1n) }))).toBe(true);
  });
});

describe('firstMappingAbove', () => {
  const mappings = [mapping(0x1000n, 0x1000n), mapping(0x2000n, 0x1000n), mapping(0x8000n, 0x8000n)];

  it.each([
    [0n, 0],
    [0x1000n, 0],
    [0x1fffn, 0],
    [0x2000n, 1],
    [0x2fffn, 1],
    [0x3000n, 2],
    [0xffffn, 2],
    [0x1_0000n, 3],
  ])('finds for address %i the mapping at index %i', (address, index) => {
    expect(firstMappingAbove(mappings, address)).toBe(index);
  });

  it('finds index 0 in an empty list', () => {
    expect(firstMappingAbove([], 0n)).toBe(0);
  });
});

describe('endOfMapping', () => {
  it('is one past the last byte', () => {
    expect(endOfMapping(mapping(0x8000n, 0x8000n))).toBe(0x1_0000n);
  });
});
