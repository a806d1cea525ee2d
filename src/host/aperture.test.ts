import { describe, expect, it } from 'vitest';
import { iova } from '../address/index.ts';
import { addressWidth, isUsable, RESERVED_REGIONS, TYPICAL_APERTURES, withoutReserved } from './aperture.ts';

const range = (first: bigint, last: bigint) => ({ first: iova(first), last: iova(last) });

describe('isUsable', () => {
  const list = [range(0x1000n, 0x1fffn), range(0x3000n, 0xffff_ffff_ffff_ffffn)];

  it.each([
    ['exactly one aperture', 0x1000n, 0x1000n, true],
    ['the inside of an aperture', 0x1800n, 0x10n, true],
    ['an aperture and a byte behind it', 0x1000n, 0x1001n, false],
    ['an aperture’s first bytes and a byte before', 0xfffn, 0x10n, false],
    ['two apertures and the hole between', 0x1000n, 0x3000n, false],
    ['the hole', 0x2000n, 0x1000n, false],
    ['the last 64-bit address', 0xffff_ffff_ffff_ffffn, 1n, true],
  ])('says of %s, at %i of %i bytes: %s', (_, start, size, expected) => {
    expect(isUsable(list, iova(start), size)).toBe(expected);
  });

  it('accepts every range for an empty list', () => {
    expect(isUsable([], iova(0n), 1n << 64n)).toBe(true);
  });
});

describe('withoutReserved', () => {
  it('cuts out regions in any order, also regions that overlap', () => {
    const reserved = [range(0x3000n, 0x3fffn), range(0x1000n, 0x1fffn), range(0x1800n, 0x1bffn)];
    expect(withoutReserved(range(0n, 0xffffn), reserved)).toEqual([
      range(0n, 0xfffn),
      range(0x2000n, 0x2fffn),
      range(0x4000n, 0xffffn),
    ]);
  });

  it('cuts at both ends and ignores regions outside', () => {
    const reserved = [range(0n, 0x1fffn), range(0x8000n, 0xffffn), range(0x20000n, 0x2ffffn)];
    expect(withoutReserved(range(0x1000n, 0x8fffn), reserved)).toEqual([range(0x2000n, 0x7fffn)]);
    expect(withoutReserved(range(0x1000n, 0x1fffn), reserved)).toEqual([]);
  });

  it('leaves single addresses before, between and behind regions, and none between regions that touch', () => {
    const reserved = [range(1n, 1n), range(3n, 4n), range(5n, 0xffen)];
    expect(withoutReserved(range(0n, 0xfffn), reserved)).toEqual([
      range(0n, 0n),
      range(2n, 2n),
      range(0xfffn, 0xfffn),
    ]);
  });

  it.each([
    ['its first address', range(0n, 0n), [range(1n, 0xfffn)]],
    ['its last address', range(0xfffn, 0xfffn), [range(0n, 0xffen)]],
    ['its last address and addresses behind', range(0xfffn, 0x1fffn), [range(0n, 0xffen)]],
    ['an address just behind', range(0x1000n, 0x1000n), [range(0n, 0xfffn)]],
  ])('takes from an aperture %s', (_, reserved, left) => {
    expect(withoutReserved(range(0n, 0xfffn), [reserved])).toEqual(left);
  });
});

describe('typical apertures', () => {
  it('are those that Linux reports on common machines (host fact R1.7.3)', () => {
    expect(TYPICAL_APERTURES.intel48).toEqual([
      range(0n, 0xfedf_ffffn),
      range(0xfef0_0000n, 0xffff_ffff_ffffn),
    ]);
    expect(TYPICAL_APERTURES.intel39.at(-1)).toEqual(range(0xfef0_0000n, 0x7f_ffff_ffffn));
    expect(TYPICAL_APERTURES.amdV1).toEqual([
      range(0n, 0xfedf_ffffn),
      range(0xfef0_0000n, 0xfc_ffff_ffffn),
      range(0x100_0000_0000n, 0xffff_ffff_ffff_ffffn),
    ]);
    expect(TYPICAL_APERTURES.smmu48).toEqual([range(0n, 0x7ff_ffffn), range(0x810_0000n, 0xffff_ffff_ffffn)]);
  });

  it('leave the BAR of the seed thread out of reach of a 39-bit IOMMU', () => {
    expect(isUsable(TYPICAL_APERTURES.intel39, iova(0x2100_0000_0000n), 0x10000n)).toBe(false);
    expect(isUsable(TYPICAL_APERTURES.intel48, iova(0x2100_0000_0000n), 0x10000n)).toBe(true);
  });

  it('hold no reserved byte', () => {
    expect(isUsable(TYPICAL_APERTURES.intel57, RESERVED_REGIONS.x86Msi.first, 1n)).toBe(false);
    expect(isUsable(TYPICAL_APERTURES.amdV2, RESERVED_REGIONS.hyperTransport.last, 1n)).toBe(false);
    expect(isUsable(TYPICAL_APERTURES.smmu52, RESERVED_REGIONS.softwareMsi.last, 1n)).toBe(false);
  });
});

it.each([
  [1, 1n],
  [39, 0x7f_ffff_ffffn],
  [64, 0xffff_ffff_ffff_ffffn],
])('an IOMMU with addresses of %i bits translates up to %i (host fact 5.4)', (width, last) => {
  expect(addressWidth(width)).toEqual(range(0n, last));
});
