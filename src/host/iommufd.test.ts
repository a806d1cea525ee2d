import { describe, expect, it } from 'vitest';
import { hostAddress, iova, LAST_ADDRESS, offset } from '../address/index.ts';
import { TYPICAL_APERTURES } from './aperture.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import { IommufdIoas, type IommufdOptions } from './iommufd.ts';

const KiB = 1024n;
const X86 = 0x4020_1000n;
const TOP = 0xffff_ffff_ffff_f000n;

const request = (at: bigint, size: bigint, rest: Partial<DmaMapRequest> = {}): DmaMapRequest => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(0x7f00_0000_0000n),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0n) },
  ...rest,
});

const ioas = (options: Partial<IommufdOptions> = {}): IommufdIoas =>
  new IommufdIoas({ hostPageSize: 4n * KiB, domainPageSizes: X86, ...options });

const at = (address: bigint) => ({ hostAddress: hostAddress(address) });

describe('IommufdIoas.map', () => {
  it.each([
    ['host fact I2: the last address', request(LAST_ADDRESS, 0n), Errno.EOVERFLOW],
    ['host fact I2: the largest length', request(0n, LAST_ADDRESS), Errno.EOVERFLOW],
    ['host fact I5: nothing', request(0n, 0n), Errno.EINVAL],
    ['host fact I5: within a page of 2^64 bytes', request(0n, LAST_ADDRESS - 0xfffn, at(0n)), Errno.EINVAL],
    ['host fact I6: the end of memory is 2^64', request(0n, 0x1000n, at(TOP)), Errno.EOVERFLOW],
    ['host facts I6 and I7: the overflow comes first', request(0n, 0xfffn, at(TOP + 1n)), Errno.EOVERFLOW],
    ['host fact I7: length', request(0n, 0x800n), Errno.EINVAL],
    ['host fact I8: IOVA', request(0x800n, 0x1000n), Errno.EINVAL],
    ['host facts I8 and I9: alignment comes first', request(TOP + 0x800n, 0x1000n), Errno.EINVAL],
    ['host fact I9: IOVA wraps', request(TOP, 0x2000n), Errno.EOVERFLOW],
    ['host fact I13: place in the page', request(0n, 0x1000n, at(0x7f00_0000_0800n)), Errno.EINVAL],
    ['host fact I14: memory of a device', request(0n, 0x1000n, { deviceMemory: true }), Errno.EFAULT],
    [
      'host facts I13 and I14: alignment comes first',
      request(0n, 0x1000n, { deviceMemory: true, ...at(0x800n) }),
      Errno.EINVAL,
    ],
  ])('%s', (_, bad, errno) => {
    const space = ioas();
    expect(space.map(bad)).toBe(errno);
    expect(space.mappings()).toEqual([]);
  });

  it('accepts the largest length that host facts I5 and I6 leave', () => {
    expect(ioas().map(request(0n, 0xffff_ffff_ffff_e000n, at(0x1000n)))).toBe(0);
  });

  it('lets a mapping end at 2^64', () => {
    const space = ioas();
    expect(space.map(request(TOP, 0x1000n))).toBe(0);
    expect(space.unmap(iova(TOP), 0x1000n)).toEqual({ errno: 0, unmapped: 0x1000n });
  });

  it('host facts I10, I11 and R2.2.1: reserved addresses win over an overlap, unlike type1', () => {
    const space = ioas({ apertures: TYPICAL_APERTURES.intel48 });
    expect(space.map(request(0xfed0_0000n, 0x10_0000n))).toBe(0);
    expect(space.map(request(0xfed0_0000n, 0x20_0000n))).toBe(Errno.EINVAL);
    expect(space.map(request(0xfed0_0000n, 0x1000n))).toBe(Errno.EEXIST);
  });

  it('host facts I11 and I13: the overlap comes first', () => {
    const space = ioas();
    space.map(request(0n, 0x2000n));
    expect(space.map(request(0x1000n, 0x2000n, at(0x800n)))).toBe(Errno.EEXIST);
    expect(space.map(request(0x2000n, 0x2000n))).toBe(0);
  });

  it('has no floor of a host page: 4K on a 64K host (host fact R2.1.1)', () => {
    const space = ioas({ hostPageSize: 64n * KiB });
    expect(space.pageSizes).toBe(X86);
    expect(space.map(request(0x1000n, 0x1000n, at(0x7f00_0000_1000n)))).toBe(0);
    expect(space.map(request(0x2000n, 0x1000n, at(0x7f00_0000_1800n)))).toBe(Errno.EINVAL);
  });

  it('wants a host address at the start of a page when the IOMMU page is larger (host fact I13)', () => {
    const space = ioas({ domainPageSizes: 0x2001_0000n });
    expect(space.map(request(0n, 0x1000n))).toBe(Errno.EINVAL);
    expect(space.map(request(0n, 0x10000n, at(0x7f00_0000_1000n)))).toBe(0);
  });

  it('takes bytes, and BAR memory, before a device is attached (host facts R2.1.1 and R2.2.3)', () => {
    const space = ioas({ domainPageSizes: 0n });
    expect(space.map(request(1n, 3n, { deviceMemory: true, ...at(5n) }))).toBe(0);
  });
});

describe('IommufdIoas.unmap', () => {
  const filled = (): IommufdIoas => {
    const space = ioas();
    for (const page of [0n, 0x2000n, 0x4000n]) expect(space.map(request(page, 0x2000n))).toBe(0);
    return space;
  };

  it.each([
    ['the last address', LAST_ADDRESS, 0x1000n, Errno.EOVERFLOW],
    ['the largest length, not from 0', 0x1000n, LAST_ADDRESS, Errno.EOVERFLOW],
    ['nothing', 0n, 0n, Errno.EINVAL],
    ['a range that wraps', TOP, 0x2000n, Errno.EOVERFLOW],
    ['a range with nothing in it', 0x10000n, 0x1000n, Errno.ENOENT],
    ['a part from the start', 0n, 0x1000n, Errno.ENOENT],
    ['a part from the middle', 0x1000n, 0x1000n, Errno.ENOENT],
  ])('refuses %s', (_, start, size, errno) => {
    const space = filled();
    expect(space.unmap(iova(start), size)).toEqual({ errno, unmapped: 0n });
    expect(space.mappings()).toHaveLength(3);
  });

  it('removes what lies in the range', () => {
    const space = filled();
    expect(space.unmap(iova(0x2000n), 0x10000n)).toEqual({ errno: 0, unmapped: 0x4000n });
    expect(space.mappings().map((mapping) => mapping.iova)).toEqual([0n]);
  });

  it('keeps what it removed before it met a mapping that is cut', () => {
    const space = filled();
    expect(space.unmap(iova(0n), 0x5000n)).toEqual({ errno: Errno.ENOENT, unmapped: 0x4000n });
    expect(space.mappings().map((mapping) => mapping.iova)).toEqual([0x4000n]);
  });

  it('removes everything for 0 and 2^64 - 1, or nothing', () => {
    const space = filled();
    expect(space.unmap(iova(0n), LAST_ADDRESS)).toEqual({ errno: 0, unmapped: 0x6000n });
    expect(space.unmap(iova(0n), LAST_ADDRESS)).toEqual({ errno: 0, unmapped: 0n });
    expect(space.unmapAll()).toEqual({ errno: 0, unmapped: 0n });
  });
});
