import { describe, expect, it } from 'vitest';
import { hostAddress, iova, LAST_ADDRESS, offset } from '../address/index.ts';
import { TYPICAL_APERTURES } from './aperture.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import { IommufdIoas, type IommufdOptions } from './iommufd.ts';
import { kernelRules } from './kernels/index.ts';

const KIB = 1024n;
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
  new IommufdIoas({ hostPageSize: 4n * KIB, domainPageSizes: X86, ...options });

const at = (address: bigint) => ({ hostAddress: hostAddress(address) });

describe('IommufdIoas.map', () => {
  it.each([
    ['the last address (host fact I2)', request(LAST_ADDRESS, 0n), Errno.EOVERFLOW],
    ['the largest length (host fact I2)', request(0n, LAST_ADDRESS), Errno.EOVERFLOW],
    ['length 0 (host fact I5)', request(0n, 0n), Errno.EINVAL],
    [
      'a length within a page of 2^64 (host fact I5)',
      request(0n, LAST_ADDRESS - 0xfffn, at(0n)),
      Errno.EINVAL,
    ],
    ['memory that ends at 2^64 (host fact I6)', request(0n, 0x1000n, at(TOP)), Errno.EOVERFLOW],
    [
      'memory past 2^64 and an unaligned length (host facts I6 and I7)',
      request(0n, 0xfffn, at(TOP + 1n)),
      Errno.EOVERFLOW,
    ],
    ['an unaligned length (host fact I7)', request(0n, 0x800n), Errno.EINVAL],
    ['an unaligned IOVA (host fact I8)', request(0x800n, 0x1000n), Errno.EINVAL],
    ['an unaligned IOVA that wraps (host facts I8 and I9)', request(TOP + 0x800n, 0x1000n), Errno.EINVAL],
    ['an IOVA that wraps (host fact I9)', request(TOP, 0x2000n), Errno.EOVERFLOW],
    ['memory off the page (host fact I13)', request(0n, 0x1000n, at(0x7f00_0000_0800n)), Errno.EINVAL],
    ['a BAR (host fact I14)', request(0n, 0x1000n, { deviceMemory: true }), Errno.EFAULT],
    [
      'a BAR off the page (host facts I13 and I14)',
      request(0n, 0x1000n, { deviceMemory: true, ...at(0x800n) }),
      Errno.EINVAL,
    ],
  ])('fails for %s', (_, bad, errno) => {
    const space = ioas();
    expect(space.map(bad)).toBe(errno);
    expect(space.mappings()).toEqual([]);
  });

  it('accepts the largest length (host facts I5 and I6)', () => {
    expect(ioas().map(request(0n, 0xffff_ffff_ffff_e000n, at(0x1000n)))).toBe(0);
  });

  it('accepts a length of 2^64 - 1 less a page, and memory that ends at 2^64 - 1 (host facts I5 and I6)', () => {
    const largest = LAST_ADDRESS - 0x1000n;
    expect(ioas({ domainPageSizes: 0n }).map(request(0n, largest, at(0n)))).toBe(0);
    expect(ioas({ domainPageSizes: 0n }).map(request(0n, largest + 1n, at(0n)))).toBe(Errno.EINVAL);
    expect(ioas({ domainPageSizes: 0n }).map(request(0n, 1n, at(LAST_ADDRESS - 1n)))).toBe(0);
    expect(ioas({ domainPageSizes: 0n }).map(request(0n, 2n, at(LAST_ADDRESS - 1n)))).toBe(Errno.EOVERFLOW);
  });

  it('accepts a mapping that ends at 2^64', () => {
    const space = ioas();
    expect(space.map(request(TOP, 0x1000n))).toBe(0);
    expect(space.unmap(iova(TOP), 0x1000n)).toEqual({ errno: 0, unmapped: 0x1000n });
  });

  it('tests reserved addresses before overlaps, unlike type1 (host facts I10, I11 and R2.2.1)', () => {
    const space = ioas({ apertures: TYPICAL_APERTURES.intel48 });
    expect(space.map(request(0xfed0_0000n, 0x10_0000n))).toBe(0);
    expect(space.map(request(0xfed0_0000n, 0x20_0000n))).toBe(Errno.EINVAL);
    expect(space.map(request(0xfed0_0000n, 0x1000n))).toBe(Errno.EEXIST);
  });

  it('tests overlaps before the host address (host facts I11 and I13)', () => {
    const space = ioas();
    space.map(request(0n, 0x2000n));
    expect(space.map(request(0x1000n, 0x2000n, at(0x800n)))).toBe(Errno.EEXIST);
    expect(space.map(request(0x2000n, 0x2000n))).toBe(0);
  });

  it('maps 4K on a 64K host (host fact R2.1.1)', () => {
    const space = ioas({ hostPageSize: 64n * KIB });
    expect(space.pageSizes).toBe(X86);
    expect(space.map(request(0x1000n, 0x1000n, at(0x7f00_0000_1000n)))).toBe(0);
    expect(space.map(request(0x2000n, 0x1000n, at(0x7f00_0000_1800n)))).toBe(Errno.EINVAL);
  });

  it('asks for a host address on a page boundary if the IOMMU’s page is larger (host fact I13)', () => {
    const space = ioas({ domainPageSizes: 0x2001_0000n });
    expect(space.map(request(0n, 0x1000n))).toBe(Errno.EINVAL);
    expect(space.map(request(0n, 0x10000n, at(0x7f00_0000_1000n)))).toBe(0);
  });

  it('accepts single bytes and a BAR while no device is attached (host facts R2.1.1 and R2.2.3)', () => {
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
    ['the last address alone, which ends at 2^64', LAST_ADDRESS, 1n, Errno.EOVERFLOW],
    ['the largest length, not from 0', 0x1000n, LAST_ADDRESS, Errno.EOVERFLOW],
    ['the largest length from 1, which ends at 2^64', 1n, LAST_ADDRESS, Errno.EOVERFLOW],
    ['length 0', 0n, 0n, Errno.EINVAL],
    ['a range that wraps', TOP, 0x2000n, Errno.EOVERFLOW],
    ['a range without mappings', 0x10000n, 0x1000n, Errno.ENOENT],
    ['the first half of a mapping', 0n, 0x1000n, Errno.ENOENT],
    ['the second half of a mapping', 0x1000n, 0x1000n, Errno.ENOENT],
  ])('refuses %s', (_, start, size, errno) => {
    const space = filled();
    expect(space.unmap(iova(start), size)).toEqual({ errno, unmapped: 0n });
    expect(space.mappings()).toHaveLength(3);
  });

  it('removes the mappings in the range', () => {
    const space = filled();
    expect(space.unmap(iova(0x2000n), 0x10000n)).toEqual({ errno: 0, unmapped: 0x4000n });
    expect(space.mappings().map((mapping) => mapping.iova)).toEqual([0n]);
  });

  it('has removed the lower mappings when it fails at a mapping that the range cuts', () => {
    const space = filled();
    expect(space.unmap(iova(0n), 0x5000n)).toEqual({ errno: Errno.ENOENT, unmapped: 0x4000n });
    expect(space.mappings().map((mapping) => mapping.iova)).toEqual([0x4000n]);
  });

  it('removes all mappings for IOVA 0 and length 2^64 - 1, also if there are none', () => {
    const space = filled();
    expect(space.unmap(iova(0n), LAST_ADDRESS)).toEqual({ errno: 0, unmapped: 0x6000n });
    expect(space.unmap(iova(0n), LAST_ADDRESS)).toEqual({ errno: 0, unmapped: 0n });
    expect(space.unmapAll()).toEqual({ errno: 0, unmapped: 0n });
  });
});

describe('IommufdIoas.attach and detach', () => {
  const detached = (): IommufdIoas => ioas({ domainPageSizes: 0n });
  const domain = { domainPageSizes: X86, apertures: TYPICAL_APERTURES.intel48 };

  it('brings the alignment and the reserved addresses of the domain, and takes them away again', () => {
    const space = detached();
    expect([space.alignment, space.iovaRanges]).toEqual([1n, [{ first: 0n, last: LAST_ADDRESS }]]);
    expect(space.attach(domain)).toBe(0);
    expect([space.alignment, space.iovaRanges]).toEqual([4n * KIB, TYPICAL_APERTURES.intel48]);
    expect(space.map(request(0x800n, 0x1000n))).toBe(Errno.EINVAL);
    expect(space.map(request(0xfee0_0000n, 0x1000n))).toBe(Errno.EINVAL);
    space.detach();
    expect(space.map(request(0x800n, 0x1000n))).toBe(0);
  });

  it('fails for a mapping that the domain cannot take, before one that cannot be pinned (host fact R2.4.2)', () => {
    const space = detached();
    space.map(request(0n, 0x1000n, { unusable: true }));
    space.map(request(0x2001n, 0x1000n));
    expect(space.attach(domain)).toBe(Errno.EADDRINUSE);
    space.unmap(iova(0x2001n), 0x1000n);
    expect(space.attach(domain)).toBe(Errno.EFAULT);
    expect(space.pageSizes).toBe(0n);
    space.unmapAll();
    expect([space.attach(domain), space.attach({ domainPageSizes: 0x1_0000n })]).toEqual([0, 0]);
    expect(space.pageSizes).toBe(X86);
  });

  it('accepts a dma-buf whose BAR cannot be accessed any more (host fact B8)', () => {
    const space = detached();
    let off = false;
    const revocable = ioas({
      ...{ domainPageSizes: 0n, kernel: kernelRules('7.2'), isUnusable: () => off },
    });
    const dmaBuf = { start: 0n, bytes: 0x1000n, ranges: 1 };
    expect(revocable.map(request(0n, 0x1000n, { deviceMemory: true, dmaBuf }))).toBe(0);
    off = true;
    expect(revocable.attach(domain)).toBe(0);
    expect(space.map(request(0n, 0x1000n, { deviceMemory: true }))).toBe(0);
    expect(space.attach(domain)).toBe(Errno.EFAULT);
  });
});
