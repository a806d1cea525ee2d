import { describe, expect, it } from 'vitest';
import { hostAddress, iova, LAST_ADDRESS, offset } from '../address/index.ts';
import { TYPICAL_APERTURES } from './aperture.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import { Type1Container, type1PageSizes, type1PageSizesBefore44, type Type1Options } from './type1.ts';

const KiB = 1024n;
const X86 = 0x4020_1000n;
const SMMU_64K = 0x2001_0000n;

const request = (at: bigint, size: bigint, rest: Partial<DmaMapRequest> = {}): DmaMapRequest => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(0x7f00_0000_0000n),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0n) },
  ...rest,
});

const container = (options: Partial<Type1Options> = {}): Type1Container =>
  new Type1Container({ hostPageSize: 4n * KiB, domainPageSizes: X86, ...options });

/** A container with [0, 0x4000) mapped. */
function withA(version: 1 | 2): Type1Container {
  const type1 = container({ version });
  expect(type1.map(request(0n, 0x4000n))).toBe(0);
  return type1;
}

describe('type1PageSizes', () => {
  it.each([
    ['64K SMMU granule, 64K host', SMMU_64K, 64n * KiB, 0x2001_0000n],
    ['4K, 2M, 1G, 64K host', X86, 64n * KiB, 0x4021_0000n],
    ['4K, 2M, 1G, 4K host', X86, 4n * KiB, X86],
    ['everything from 4K, 16K host', 0xffff_ffff_ffff_f000n, 16n * KiB, 0xffff_ffff_ffff_c000n],
    ['4K only, 64K host', 0x1000n, 64n * KiB, 0x10000n],
    ['no IOMMU-backed domain (host fact R1.2.3)', LAST_ADDRESS, 64n * KiB, 0xffff_ffff_ffff_0000n],
    ['nothing in common (host fact R1.2.5)', 0n, 4n * KiB, 0n],
  ])('%s', (_, domain, page, expected) => {
    expect(type1PageSizes(domain, page)).toBe(expected);
  });

  it('did not add the host page before Linux 4.4 (host fact R1.2.2)', () => {
    expect(type1PageSizesBefore44(X86, 64n * KiB)).toBe(0x4020_0000n);
    expect(type1PageSizesBefore44(0x1000n, 64n * KiB)).toBe(0n);
    expect(type1PageSizesBefore44(X86, 4n * KiB)).toBe(X86);
  });
});

describe('golden vectors (host fact 1.8)', () => {
  it('seed thread: 64K SMMU granule refuses the first 8K of the BAR', () => {
    const type1 = container({ hostPageSize: 64n * KiB, domainPageSizes: SMMU_64K });
    const first8K = request(0x80_0000_0000n, 0x2000n, { deviceMemory: true });
    expect(type1.map(first8K)).toBe(Errno.EINVAL);
    expect(type1.map({ ...first8K, size: 0x10000n })).toBe(0);
  });

  it('a 64K host with a 4K IOMMU refuses 4K', () => {
    const type1 = container({ hostPageSize: 64n * KiB });
    expect(type1.pageSizes).toBe(0x4021_0000n);
    expect(type1.map(request(0x10000n, 0x1000n))).toBe(Errno.EINVAL);
    expect(type1.map(request(0x10000n, 0x10000n))).toBe(0);
  });

  it('a host address in the middle of a page is refused', () => {
    const unaligned = request(0x1000n, 0x1000n, { hostAddress: hostAddress(0x7f00_0000_0800n) });
    expect(container().map(unaligned)).toBe(Errno.EINVAL);
  });

  it('a mapping may end at 2^64 but not beyond', () => {
    const type1 = container();
    expect(type1.map(request(0xffff_ffff_ffff_f000n, 0x2000n))).toBe(Errno.EINVAL);
    expect(type1.map(request(0xffff_ffff_ffff_f000n, 0x1000n))).toBe(0);
    expect(type1.unmap(iova(0xffff_ffff_ffff_f000n), 0x1000n)).toEqual({ errno: 0, unmapped: 0x1000n });
  });

  it('neighbours do not overlap', () => {
    const type1 = withA(2);
    expect(type1.map(request(0x4000n, 0x4000n))).toBe(0);
    expect(type1.mappings()).toHaveLength(2);
  });

  it.each([
    ['inside of A', 0x1000n, 0x2000n, { errno: Errno.EINVAL, unmapped: 0n }, { errno: 0, unmapped: 0n }],
    ['start of A', 0n, 0x2000n, { errno: Errno.EINVAL, unmapped: 0n }, { errno: 0, unmapped: 0x4000n }],
    ['more than A', 0n, 0x10000n, { errno: 0, unmapped: 0x4000n }, { errno: 0, unmapped: 0x4000n }],
    ['beside A', 0x4000n, 0x1000n, { errno: 0, unmapped: 0n }, { errno: 0, unmapped: 0n }],
  ])('unmap of the %s', (_, at, size, version2, version1) => {
    expect(withA(2).unmap(iova(at), size)).toEqual(version2);
    expect(withA(1).unmap(iova(at), size)).toEqual(version1);
  });

  it('unmap of everything', () => {
    const type1 = withA(2);
    type1.map(request(0x8000n, 0x1000n));
    expect(type1.unmapAll()).toEqual({ errno: 0, unmapped: 0x5000n });
    expect(type1.mappings()).toEqual([]);
  });
});

describe('Type1Container.map', () => {
  it.each([
    ['host fact M6: nothing', request(0n, 0n)],
    [
      'host fact M6: 2^64 bytes, which the field cannot hold',
      request(0n, 1n << 64n, { hostAddress: hostAddress(0n) }),
    ],
    ['host fact M7: IOVA', request(0x800n, 0x1000n)],
    ['host fact M7: size', request(0n, 0x800n)],
    ['host fact M7: host address', request(0n, 0x1000n, { hostAddress: hostAddress(0x800n) })],
    ['host fact M8: IOVA wraps', request(0xffff_ffff_ffff_e000n, 0x3000n)],
    [
      'host fact M8: host address wraps',
      request(0n, 0x2000n, { hostAddress: hostAddress(0xffff_ffff_ffff_f000n) }),
    ],
  ])('EINVAL by %s', (_, bad) => {
    const type1 = container();
    expect(type1.map(bad)).toBe(Errno.EINVAL);
    expect(type1.mappings()).toEqual([]);
  });

  it.each([
    ['the same range', 0x4000n, 0x4000n],
    ['its start', 0x3000n, 0x2000n],
    ['its end', 0x7000n, 0x2000n],
    ['its inside', 0x5000n, 0x1000n],
    ['all of it', 0n, 0x10000n],
  ])('host fact M10: EEXIST for %s', (_, at, size) => {
    const type1 = container();
    const first = request(0x4000n, 0x4000n);
    type1.map(first);
    expect(type1.map(request(at, size))).toBe(Errno.EEXIST);
    expect(type1.mappings()).toEqual([first]);
  });

  it('host fact M11: ENOSPC after maxMappings, until one is removed', () => {
    const type1 = container({ maxMappings: 2 });
    expect(type1.available).toBe(2);
    expect(type1.map(request(0n, 0x1000n))).toBe(0);
    expect(type1.map(request(0x1000n, 0x1000n))).toBe(0);
    expect(type1.available).toBe(0);
    expect(type1.map(request(0x2000n, 0x1000n))).toBe(Errno.ENOSPC);
    type1.unmap(iova(0n), 0x1000n);
    expect(type1.map(request(0x2000n, 0x1000n))).toBe(0);
  });

  it('host fact M11: allows 65,535 mappings by default', () => {
    const type1 = container();
    for (let page = 0n; page < 65535n; page += 1n) {
      if (type1.map(request(page * 0x1000n, 0x1000n)) !== 0) expect.fail(`page ${page}`);
    }
    expect(type1.map(request(65535n * 0x1000n, 0x1000n))).toBe(Errno.ENOSPC);
    expect(type1.unmap(iova(0n), 65535n * 0x1000n)).toEqual({ errno: 0, unmapped: 65535n * 0x1000n });
  });

  it('host fact M12: EINVAL outside the valid IOVAs', () => {
    const type1 = container({ apertures: TYPICAL_APERTURES.intel39 });
    expect(type1.map(request(0xfed0_0000n, 0x10_0000n))).toBe(0);
    expect(type1.map(request(0xfee0_0000n, 0x1000n))).toBe(Errno.EINVAL);
    expect(type1.map(request(0xfef0_0000n, 0x1000n))).toBe(0);
    expect(type1.map(request(0x2100_0000_0000n, 0x1000n))).toBe(Errno.EINVAL);
  });

  it('host fact M12: EINVAL across the hole between two elements (host fact R1.3.3)', () => {
    const type1 = container({ apertures: TYPICAL_APERTURES.intel39 });
    expect(type1.map(request(0xfed0_0000n, 0x40_0000n))).toBe(Errno.EINVAL);
  });

  it('checks alignment, then overlap, then the budget, then the apertures (host fact R1.3.1)', () => {
    const apertures = [{ first: iova(0n), last: iova(0xffffn) }];
    const type1 = container({ maxMappings: 1, apertures });
    type1.map(request(0xf000n, 0x1000n));
    expect(type1.map(request(0xf800n, 0x1000n))).toBe(Errno.EINVAL);
    expect(type1.map(request(0xf000n, 0x2000n))).toBe(Errno.EEXIST);
    expect(type1.map(request(0x10000n, 0x1000n))).toBe(Errno.ENOSPC);
    type1.unmapAll();
    expect(type1.map(request(0x10000n, 0x1000n))).toBe(Errno.EINVAL);
  });

  it('host fact R1.4.5: EINVAL when runs of memory are shorter than a page of the IOMMU', () => {
    const host = { hostPageSize: 4n * KiB, domainPageSizes: SMMU_64K };
    const pages = new Type1Container({ ...host, contiguousRun: 4n * KiB });
    expect(pages.map(request(0n, 0x10000n))).toBe(Errno.EINVAL);
    expect(pages.map(request(0n, 0x10000n, { deviceMemory: true }))).toBe(0);
    expect(new Type1Container({ ...host, contiguousRun: 64n * KiB }).map(request(0n, 0x10000n))).toBe(0);
    expect(new Type1Container(host).map(request(0n, 0x10000n))).toBe(0);
  });

  it('host fact R1.4.3: takes memory of a device, and read-only memory, like any other', () => {
    const type1 = container();
    const bar = request(0n, 0x1000n, { deviceMemory: true });
    const rom = request(0x1000n, 0x1000n, { readonly: true });
    expect(type1.map(bar)).toBe(0);
    expect(type1.map(rom)).toBe(0);
    expect(type1.mappings()).toEqual([bar, rom]);
  });
});

describe('Type1Container.unmap', () => {
  it.each([
    ['host fact U6: IOVA', 0x800n, 0x1000n],
    ['host fact U8: nothing', 0n, 0n],
    ['host fact U8: 2^64 bytes', 0n, 1n << 64n],
    ['host fact U8: size', 0n, 0x800n],
    ['host fact U8: wraps', 0xffff_ffff_ffff_f000n, 0x2000n],
  ])('EINVAL by %s, in both versions', (_, at, size) => {
    for (const version of [1, 2] as const) {
      const type1 = withA(version);
      expect(type1.unmap(iova(at), size)).toEqual({ errno: Errno.EINVAL, unmapped: 0n });
      expect(type1.mappings()).toHaveLength(1);
    }
  });

  it('removes several mappings and skips the holes between (host fact R1.5.2)', () => {
    const type1 = withA(2);
    type1.map(request(0x8000n, 0x1000n));
    type1.map(request(0xa000n, 0x1000n));
    expect(type1.unmap(iova(0n), 0xa000n)).toEqual({ errno: 0, unmapped: 0x5000n });
    expect(type1.mappings().map((mapping) => mapping.iova)).toEqual([0xa000n]);
  });

  it('host facts U10 and U11: refuses to cut at either end, and then changes nothing', () => {
    const type1 = withA(2);
    type1.map(request(0x8000n, 0x2000n));
    const before = type1.mappings();
    for (const [at, size] of [
      [0x1000n, 0x9000n],
      [0n, 0x9000n],
      [0x3000n, 0x1000n],
    ] as const) {
      expect(type1.unmap(iova(at), size).errno).toBe(Errno.EINVAL);
    }
    expect(type1.mappings()).toBe(before);
  });

  it('version 1 takes a mapping that reaches beyond the end, after those below (host fact R1.5.3)', () => {
    const type1 = withA(1);
    type1.map(request(0x4000n, 0x4000n));
    expect(type1.unmap(iova(0n), 0x5000n)).toEqual({ errno: 0, unmapped: 0x8000n });
  });

  it('version 1 does nothing when the lowest mapping begins before the range', () => {
    const type1 = withA(1);
    type1.map(request(0x4000n, 0x1000n));
    expect(type1.unmap(iova(0x1000n), 0x4000n)).toEqual({ errno: 0, unmapped: 0n });
    expect(type1.mappings()).toHaveLength(2);
  });
});

it('does not exist without page sizes', () => {
  expect(() => container({ domainPageSizes: 0n })).toThrow(RangeError);
});
