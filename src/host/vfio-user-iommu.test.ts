import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset } from '../address/index.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import { VFIO_USER_MAX_REGIONS, VfioUserIommu } from './vfio-user-iommu.ts';

const request = (at: bigint, size: bigint, rest: Partial<DmaMapRequest> = {}): DmaMapRequest => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(0x7f00_0000_0000n),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0x1000n) },
  ...rest,
});

const server = (maxMappings?: number): VfioUserIommu =>
  new VfioUserIommu({ pageSizes: 0x1000n, maxMappings });

describe('VfioUserIommu.map', () => {
  it('does not test alignment, not even to the page sizes that it announces', () => {
    const odd = request(0x123n, 0x45n, { hostAddress: hostAddress(0x7n) });
    const one = server();
    expect(one.map(odd)).toBe(0);
    expect(one.mappings()).toEqual([odd]);
    expect(one.pageSizes).toBe(0x1000n);
  });

  it('accepts an identical region again and makes no second mapping', () => {
    const one = server();
    const ram = request(0x1000n, 0x1000n);
    const bar = request(0x2000n, 0x1000n, { deviceMemory: true });
    for (const again of [ram, bar, ram, bar]) expect(one.map(again)).toBe(0);
    // Without a descriptor the server knows neither the BAR nor the offset in the BAR.
    const otherBar = { ...bar, backing: { region: 'other', owner: 'dev1', offset: offset(0n) } };
    expect(one.map(otherBar)).toBe(0);
    expect(one.mappings()).toEqual([ram, bar]);
  });

  it.each([
    ['another offset', { backing: { region: 'ram', owner: undefined, offset: offset(0n) } }],
    ['another file', { backing: { region: 'rom', owner: undefined, offset: offset(0x1000n) } }],
    ['another protection', { readonly: true }],
    ['no file', { deviceMemory: true }],
  ])('fails with EINVAL for the same range with %s', (_, rest) => {
    const one = server();
    one.map(request(0x1000n, 0x1000n));
    expect(one.map(request(0x1000n, 0x1000n, rest))).toBe(Errno.EINVAL);
    expect(one.mappings()).toHaveLength(1);
  });

  it('fails with EINVAL for any other overlap, where type1 answers EEXIST', () => {
    const one = server();
    one.map(request(0x1000n, 0x2000n));
    for (const [at, size] of [
      [0x1000n, 0x1000n],
      [0x2000n, 0x1000n],
      [0x2000n, 0x2000n],
      [0n, 0x1001n],
      [0n, 0x8000n],
    ] as const) {
      expect(one.map(request(at, size))).toBe(Errno.EINVAL);
    }
    expect(one.map(request(0x3000n, 0x1000n))).toBe(0);
  });

  it('fails with EINVAL for one region too many, with ENOSPC for a region that is too large', () => {
    const one = server(1);
    const full = request(0n, 0x1000n);
    expect(one.map(full)).toBe(0);
    expect(one.map(request(0x1000n, 0x1000n))).toBe(Errno.EINVAL);
    expect(one.map(full)).toBe(0);
    expect(one.map(request(0n, (8n << 40n) + 1n))).toBe(Errno.ENOSPC);
    expect(server().map(request(0n, 8n << 40n))).toBe(0);
    expect(new VfioUserIommu({ pageSizes: 0x1000n, maxSize: 0xfffn }).map(full)).toBe(Errno.ENOSPC);
  });

  it('fails with EINVAL for size 0 and for a range that wraps', () => {
    expect(server().map(request(0n, 0n))).toBe(Errno.EINVAL);
    expect(server().map(request(0xffff_ffff_ffff_f000n, 0x1001n))).toBe(Errno.EINVAL);
    expect(server().map(request(0xffff_ffff_ffff_f000n, 0x1000n))).toBe(0);
  });
});

describe('VfioUserIommu.unmap', () => {
  it('fails with ENOENT unless the range is exactly a region', () => {
    const one = server();
    one.map(request(0x1000n, 0x2000n));
    for (const [at, size] of [
      [0x1000n, 0x1000n],
      [0x2000n, 0x1000n],
      [0x2000n, 0x2000n],
      [0n, 0x4000n],
      [0x1000n, 0n],
      [0x2000n, 0n],
      [0x8000n, 1n],
    ] as const) {
      expect(one.unmap(iova(at), size)).toEqual({ errno: Errno.ENOENT, unmapped: 0n });
    }
    expect(one.unmap(iova(0x1000n), 0x2000n)).toEqual({ errno: 0, unmapped: 0x2000n });
    expect(one.mappings()).toEqual([]);
  });

  it('removes all regions by unmapAll', () => {
    const one = server();
    one.map(request(0n, 0x1000n));
    one.map(request(0x1000n, 0x2000n));
    expect(one.unmapAll()).toEqual({ errno: 0, unmapped: 0x3000n });
  });
});

describe('a server that names no limit', () => {
  it('keeps a million regions', () => {
    expect(VFIO_USER_MAX_REGIONS).toBe(1_000_000);
    const one = server();
    for (let at = 0; at < 10_000; at++) expect(one.map(request(BigInt(at) << 12n, 0x1000n))).toBe(0);
  });
});
