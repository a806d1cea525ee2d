import { describe, expect, it } from 'vitest';
import { hostAddress, iova, LAST_ADDRESS, offset } from '../address/index.ts';
import { TYPICAL_APERTURES } from './aperture.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import { Type1Container, type1PageSizes, type1PageSizesBefore44, type Type1Options } from './type1.ts';

const KIB = 1024n;
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
  new Type1Container({ hostPageSize: 4n * KIB, domainPageSizes: X86, ...options });

/** A container with [0, 0x4000) mapped. */
function withA(version: 1 | 2): Type1Container {
  const type1 = container({ version });
  expect(type1.map(request(0n, 0x4000n))).toBe(0);
  return type1;
}

describe('type1PageSizes', () => {
  it.each([
    ['64K SMMU granule, 64K host', SMMU_64K, 64n * KIB, 0x2001_0000n],
    ['4K, 2M, 1G, 64K host', X86, 64n * KIB, 0x4021_0000n],
    ['4K, 2M, 1G, 4K host', X86, 4n * KIB, X86],
    ['every size from 4K, 16K host', 0xffff_ffff_ffff_f000n, 16n * KIB, 0xffff_ffff_ffff_c000n],
    ['4K only, 64K host', 0x1000n, 64n * KIB, 0x10000n],
    ['no IOMMU-backed domain (host fact R1.2.3)', LAST_ADDRESS, 64n * KIB, 0xffff_ffff_ffff_0000n],
    ['no common size (host fact R1.2.5)', 0n, 4n * KIB, 0n],
  ])('reports for %s: %s on %s is %s', (_, domain, page, expected) => {
    expect(type1PageSizes(domain, page)).toBe(expected);
  });

  it('did not add the host page before Linux 4.4 (host fact R1.2.2)', () => {
    expect(type1PageSizesBefore44(X86, 64n * KIB)).toBe(0x4020_0000n);
    expect(type1PageSizesBefore44(0x1000n, 64n * KIB)).toBe(0n);
    expect(type1PageSizesBefore44(X86, 4n * KIB)).toBe(X86);
  });
});

describe('the examples for type1 (host fact 1.8)', () => {
  it('behind an SMMU with 64K pages, the first 8K of the seed thread’s BAR are refused', () => {
    const type1 = container({ hostPageSize: 64n * KIB, domainPageSizes: SMMU_64K });
    const first8K = request(0x80_0000_0000n, 0x2000n, { deviceMemory: true });
    expect(type1.map(first8K)).toBe(Errno.EINVAL);
    expect(type1.map({ ...first8K, size: 0x10000n })).toBe(0);
  });

  it('on a 64K host with a 4K IOMMU, 4K are refused', () => {
    const type1 = container({ hostPageSize: 64n * KIB });
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
  ])('unmapping the %s does what version 2 and version 1 do', (_, at, size, version2, version1) => {
    expect(withA(2).unmap(iova(at), size)).toEqual(version2);
    expect(withA(1).unmap(iova(at), size)).toEqual(version1);
  });

  it('unmapping with ALL removes all mappings', () => {
    const type1 = withA(2);
    type1.map(request(0x8000n, 0x1000n));
    expect(type1.unmapAll()).toEqual({ errno: 0, unmapped: 0x5000n });
    expect(type1.mappings()).toEqual([]);
  });
});

describe('Type1Container.map', () => {
  it.each([
    ['size 0 (host fact M6)', request(0n, 0n)],
    [
      '2^64 bytes, which the field cannot hold (host fact M6)',
      request(0n, 1n << 64n, { hostAddress: hostAddress(0n) }),
    ],
    ['an unaligned IOVA (host fact M7)', request(0x800n, 0x1000n)],
    ['an unaligned size (host fact M7)', request(0n, 0x800n)],
    ['an unaligned host address (host fact M7)', request(0n, 0x1000n, { hostAddress: hostAddress(0x800n) })],
    ['an IOVA that wraps (host fact M8)', request(0xffff_ffff_ffff_e000n, 0x3000n)],
    [
      'a host address that wraps (host fact M8)',
      request(0n, 0x2000n, { hostAddress: hostAddress(0xffff_ffff_ffff_f000n) }),
    ],
  ])('fails with EINVAL for %s', (_, bad) => {
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
  ])('fails with EEXIST over a live mapping: %s (host fact M10)', (_, at, size) => {
    const type1 = container();
    const first = request(0x4000n, 0x4000n);
    type1.map(first);
    expect(type1.map(request(at, size))).toBe(Errno.EEXIST);
    expect(type1.mappings()).toEqual([first]);
  });

  it('fails with ENOSPC at the limit of mappings until one is removed (host fact M11)', () => {
    const type1 = container({ maxMappings: 2 });
    expect(type1.available).toBe(2);
    expect(type1.map(request(0n, 0x1000n))).toBe(0);
    expect(type1.map(request(0x1000n, 0x1000n))).toBe(0);
    expect(type1.available).toBe(0);
    expect(type1.map(request(0x2000n, 0x1000n))).toBe(Errno.ENOSPC);
    type1.unmap(iova(0n), 0x1000n);
    expect(type1.map(request(0x2000n, 0x1000n))).toBe(0);
  });

  it('accepts 65,535 mappings by default (host fact M11)', () => {
    const type1 = container();
    for (let page = 0n; page < 65535n; page += 1n) {
      if (type1.map(request(page * 0x1000n, 0x1000n)) !== 0) expect.fail(`page ${page}`);
    }
    expect(type1.map(request(65535n * 0x1000n, 0x1000n))).toBe(Errno.ENOSPC);
    expect(type1.unmap(iova(0n), 65535n * 0x1000n)).toEqual({ errno: 0, unmapped: 65535n * 0x1000n });
  });

  it('fails with EINVAL outside the valid IOVAs (host fact M12)', () => {
    const type1 = container({ apertures: TYPICAL_APERTURES.intel39 });
    expect(type1.map(request(0xfed0_0000n, 0x10_0000n))).toBe(0);
    expect(type1.map(request(0xfee0_0000n, 0x1000n))).toBe(Errno.EINVAL);
    expect(type1.map(request(0xfef0_0000n, 0x1000n))).toBe(0);
    expect(type1.map(request(0x2100_0000_0000n, 0x1000n))).toBe(Errno.EINVAL);
  });

  it('fails with EINVAL across the hole between two apertures (host facts M12 and R1.3.3)', () => {
    const type1 = container({ apertures: TYPICAL_APERTURES.intel39 });
    expect(type1.map(request(0xfed0_0000n, 0x40_0000n))).toBe(Errno.EINVAL);
  });

  it('tests alignment, then overlap, then the limit, then the apertures (host fact R1.3.1)', () => {
    const apertures = [{ first: iova(0n), last: iova(0xffffn) }];
    const type1 = container({ maxMappings: 1, apertures });
    type1.map(request(0xf000n, 0x1000n));
    expect(type1.map(request(0xf800n, 0x1000n))).toBe(Errno.EINVAL);
    expect(type1.map(request(0xf000n, 0x2000n))).toBe(Errno.EEXIST);
    expect(type1.map(request(0x10000n, 0x1000n))).toBe(Errno.ENOSPC);
    type1.unmapAll();
    expect(type1.map(request(0x10000n, 0x1000n))).toBe(Errno.EINVAL);
  });

  it('fails with EINVAL if runs of memory are shorter than the IOMMU’s page (host fact R1.4.5)', () => {
    const host = { hostPageSize: 4n * KIB, domainPageSizes: SMMU_64K };
    const pages = new Type1Container({ ...host, contiguousRun: 4n * KIB });
    expect(pages.map(request(0n, 0x10000n))).toBe(Errno.EINVAL);
    expect(pages.map(request(0n, 0x10000n, { deviceMemory: true }))).toBe(0);
    expect(new Type1Container({ ...host, contiguousRun: 64n * KIB }).map(request(0n, 0x10000n))).toBe(0);
    expect(new Type1Container(host).map(request(0n, 0x10000n))).toBe(0);
  });

  it('maps a BAR, and read-only memory, like other memory (host fact R1.4.3)', () => {
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
    ['an unaligned IOVA (host fact U6)', 0x800n, 0x1000n],
    ['size 0 (host fact U8)', 0n, 0n],
    ['2^64 bytes (host fact U8)', 0n, 1n << 64n],
    ['an unaligned size (host fact U8)', 0n, 0x800n],
    ['a range that wraps (host fact U8)', 0xffff_ffff_ffff_f000n, 0x2000n],
  ])('fails with EINVAL in both versions for %s', (_, at, size) => {
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

  it('refuses to cut a mapping at either end and changes nothing (host facts U10 and U11)', () => {
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

  it('removes in version 1 also a mapping that reaches beyond the end (host fact R1.5.3)', () => {
    const type1 = withA(1);
    type1.map(request(0x4000n, 0x4000n));
    expect(type1.unmap(iova(0n), 0x5000n)).toEqual({ errno: 0, unmapped: 0x8000n });
  });

  it('removes nothing in version 1 if the lowest mapping begins before the range (host fact R1.5.3)', () => {
    const type1 = withA(1);
    type1.map(request(0x4000n, 0x1000n));
    expect(type1.unmap(iova(0x1000n), 0x4000n)).toEqual({ errno: 0, unmapped: 0n });
    expect(type1.mappings()).toHaveLength(2);
  });
});

it('a type1 container cannot be made without page sizes', () => {
  expect(() => container({ domainPageSizes: 0n })).toThrow(
    new RangeError('the IOMMU domain has no page size'),
  );
});
