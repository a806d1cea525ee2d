import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset } from '../../address/index.ts';
import { Errno } from '../errno.ts';
import type { DmaBufPart, DmaMapRequest } from '../iommu-container.ts';
import { IommufdIoas } from '../iommufd.ts';
import { Type1Container, type Type1Options } from '../type1.ts';
import { DEFAULT_KERNEL, kernelRules } from './index.ts';

const P = 0x1000n;
const TOP = (1n << 64n) - P;

const request = (at: bigint, size: bigint, rest: Partial<DmaMapRequest> = {}): DmaMapRequest => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(0x7f00_0000_0000n),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0n) },
  ...rest,
});

const type1On = (kernel: string, rest: Partial<Type1Options> = {}): Type1Container =>
  new Type1Container({
    hostPageSize: P,
    domainPageSizes: 0x4020_1000n,
    kernel: kernelRules(kernel),
    ...rest,
  });

const ioasOn = (kernel: string): IommufdIoas =>
  new IommufdIoas({ hostPageSize: P, domainPageSizes: 0x4020_1000n, kernel: kernelRules(kernel) });

describe('kernelRules', () => {
  it('accepts a version and a release of a distribution, and compares versions as numbers', () => {
    expect(kernelRules('6.12.117+deb13-amd64')).toBe(kernelRules('6.12'));
    expect(kernelRules('6.2')).not.toBe(kernelRules('6.19'));
    expect(kernelRules('7.0')).toBe(kernelRules('6.19'));
    expect(kernelRules('10.0')).toBe(kernelRules('6.19'));
    expect(kernelRules('4.15')).toBe(kernelRules('4.8'));
  });

  it('knows the two kernels without a version', () => {
    expect(kernelRules('msix-mappable')).toBe(DEFAULT_KERNEL);
    expect(kernelRules('sparse-msix').msixMmap).toBe('sparse-msix');
    expect(kernelRules('msix-mappable').msixMmap).toBe('msix-mappable');
  });

  it.each(['4.7', '3.10', 'linux', 'linux-6.12', ''])('throws for %j, which is not modelled', (kernel) => {
    expect(() => kernelRules(kernel)).toThrow(new RangeError(`no rules for the kernel "${kernel}"`));
  });

  it('has IOMMU_IOAS_CHANGE_PROCESS since 6.13, and in the kernels without a version (host fact R2.6.1)', () => {
    const has = (kernel: string): boolean | undefined => kernelRules(kernel).iommufd?.changesProcess;
    expect([has('6.12'), has('6.13'), has('7.2')]).toEqual([false, true, true]);
    expect([has('msix-mappable'), has('sparse-msix')]).toEqual([true, true]);
  });

  it('allows the mmap of the MSI-X table since 4.16, and has iommufd since 6.2', () => {
    expect([kernelRules('4.15').msixMmap, kernelRules('4.16').msixMmap]).toEqual([
      'sparse-msix',
      'msix-mappable',
    ]);
    expect([kernelRules('6.1').iommufd, kernelRules('6.2').iommufd?.mapsDmaBufOfBar]).toEqual([
      undefined,
      false,
    ]);
    expect(() => ioasOn('6.1')).toThrow(new RangeError('the kernel has no iommufd'));
  });
});

describe('type1 by kernel', () => {
  const memoryAtTheTop = { hostAddress: hostAddress(TOP) };

  it.each([
    ['a map whose IOVA wraps', request(TOP, 2n * P)],
    ['a map whose memory wraps', request(0n, 2n * P, memoryAtTheTop)],
    ['an unaligned map whose IOVA wraps', request(TOP, 0x1fffn)],
    ['a map of the last address', request(TOP + 0xfffn, P)],
  ])('answers EINVAL to %s up to 6.17 and EOVERFLOW from 6.18 on (host fact D1)', (_, bad) => {
    expect(type1On('6.12').map(bad)).toBe(Errno.EINVAL);
    expect(type1On('6.17').map(bad)).toBe(Errno.EINVAL);
    expect(type1On('6.18').map(bad)).toBe(Errno.EOVERFLOW);
    expect(type1On('7.2').map(bad)).toBe(Errno.EOVERFLOW);
    expect(type1On('msix-mappable').map(bad)).toBe(Errno.EINVAL);
  });

  it.each(['4.8', '6.12', '6.17', '6.18', '7.2', 'msix-mappable'])(
    'maps memory whose last byte is the last of the address space, on %s (host fact M8)',
    (kernel) => {
      const type1 = type1On(kernel);
      expect(type1.map(request(0n, P, memoryAtTheTop))).toBe(0);
      expect(type1.mappings()).toMatchObject([{ iova: 0n, size: P, hostAddress: TOP }]);
    },
  );

  it('tests size 0 before the wrap, and the alignment of an unmap too (host fact D1)', () => {
    const type1 = type1On('7.2');
    expect(type1.map(request(TOP + 1n, 0n))).toBe(Errno.EINVAL);
    expect(type1.map(request(P, 0n))).toBe(Errno.EINVAL);
    expect(type1.unmap(iova(P), 0n).errno).toBe(Errno.EINVAL);
    expect(type1.unmap(iova(TOP), 0x1fffn).errno).toBe(Errno.EINVAL);
    expect(type1.unmap(iova(TOP), 2n * P).errno).toBe(Errno.EOVERFLOW);
    expect(type1On('6.12').unmap(iova(TOP), 2n * P).errno).toBe(Errno.EINVAL);
  });

  it('unmaps nothing up to 2^64 before 6.18 (host fact D2)', () => {
    for (const [kernel, unmapped] of [
      ['6.12', 0n],
      ['7.2', P],
      ['msix-mappable', P],
    ] as const) {
      const type1 = type1On(kernel);
      type1.map(request(P, P));
      expect(type1.unmap(iova(P), (1n << 64n) - P)).toEqual({ errno: 0, unmapped });
    }
    const cut = type1On('6.12');
    cut.map(request(0n, 2n * P));
    expect(cut.unmap(iova(P), (1n << 64n) - P).errno).toBe(Errno.EINVAL);
  });

  it('cannot find a mapping that ends at 2^64 before 6.18, and the mapping stays (host facts D2 and D12)', () => {
    const old = type1On('6.12', { maxMappings: 4 });
    const [top, low] = [request(TOP, P), request(TOP - 3n * P, P)];
    expect([old.map(top), old.map(top), old.map(low)]).toEqual([0, 0, 0]);
    expect(old.available).toBe(1);
    expect(old.unmap(iova(TOP), P)).toEqual({ errno: 0, unmapped: 0n });
    expect(old.unmapAll()).toEqual({ errno: 0, unmapped: 0n });
    expect(old.mappings()).toEqual([low, top, top]);
    const below = request(TOP - P, 2n * P);
    expect(old.map(below)).toBe(0);
    expect(old.mappings()).toEqual([low, below, top, top]);
    const recent = type1On('7.2');
    expect([recent.map(top), recent.map(top)]).toEqual([0, Errno.EEXIST]);
    expect(recent.unmapAll().unmapped).toBe(P);
  });

  it('finds before 6.18 what the shape of its tree shows: answers of Linux 6.12 on an AMD host (host fact D2)', () => {
    const END = TOP + P;
    const old = type1On('6.12');
    const lost = request(END - 7n * P, 7n * P);
    const others = [request(END - 4n * P, 3n * P), request(END - 11n * P, 2n * P), request(0x4000_7000n, P)];
    expect([...others, lost].map((one) => old.map(one))).toEqual([0, 0, 0, 0]);
    // Here the lost mapping lies between two others, so the walk over all finds it.
    expect(old.giveUpAllAddresses()).toEqual({ errno: 0, unmapped: 13n * P });
    // In a tree whose root is lost, nothing to the left of the root is found.
    const rooted = type1On('6.12');
    expect([request(TOP, P), request(0n, P)].map((one) => rooted.map(one))).toEqual([0, 0]);
    expect(rooted.giveUpAllAddresses()).toEqual({ errno: 0, unmapped: 0n });
    expect(rooted.map(request(0n, P))).toBe(Errno.EEXIST);
    expect(rooted.unmap(iova(0n), P)).toEqual({ errno: 0, unmapped: 0n });
  });

  it('has a limit of mappings since 5.1, and a list of valid IOVAs since 5.4', () => {
    const options = { maxMappings: 0, apertures: [{ first: iova(0n), last: iova(0xfffn) }] };
    expect(type1On('5.0', options).map(request(P, P))).toBe(0);
    expect(type1On('5.1', options).map(request(P, P))).toBe(Errno.ENOSPC);
    const wide = { apertures: options.apertures };
    expect(type1On('5.3', wide).map(request(P, P))).toBe(0);
    expect(type1On('5.4', wide).map(request(P, P))).toBe(Errno.EINVAL);
  });

  it('tests the memory of a map after all other conditions (host fact D18)', () => {
    const hole = { unusable: true };
    const type1 = type1On('7.2', { maxMappings: 2, apertures: [{ first: iova(0n), last: iova(0xffffn) }] });
    expect(type1.map(request(0n, P, hole))).toBe(Errno.EFAULT);
    expect(type1.map(request(0n, P))).toBe(0);
    expect(type1.map(request(0n, P, hole))).toBe(Errno.EEXIST);
    expect(type1.map(request(0x10000n, P, hole))).toBe(Errno.EINVAL);
    expect(type1.map(request(P, P))).toBe(0);
    expect(type1.map(request(2n * P, P, hole))).toBe(Errno.ENOSPC);
  });
});

describe('a lock limit', () => {
  it('of type1 counts memory but not BARs, and an unmap frees its bytes (host fact R1.4.4)', () => {
    const type1 = type1On('6.12', { lockLimit: 2n * P });
    expect(type1.map(request(0n, 2n * P))).toBe(0);
    expect(type1.map(request(0x10000n, P))).toBe(Errno.ENOMEM);
    expect(type1.map(request(0x20000n, P, { deviceMemory: true }))).toBe(0);
    type1.unmap(iova(0n), 2n * P);
    expect(type1.map(request(0x10000n, P))).toBe(0);
    type1.unmapAll();
    expect(type1.map(request(0n, 2n * P))).toBe(0);
  });

  it('of type1 frees no bytes when a BAR is unmapped (host fact R1.4.4)', () => {
    const type1 = type1On('6.12', { lockLimit: 2n * P });
    expect(type1.map(request(0n, 2n * P))).toBe(0);
    expect(type1.map(request(0x10000n, P, { deviceMemory: true }))).toBe(0);
    expect(type1.unmap(iova(0x10000n), P)).toEqual({ errno: 0, unmapped: P });
    expect(type1.map(request(0x10000n, P))).toBe(Errno.ENOMEM);
  });

  it('of iommufd counts memory once a domain is attached (host fact R2.2.4)', () => {
    const options = { hostPageSize: P, lockLimit: P };
    const attached = new IommufdIoas({ ...options, domainPageSizes: 0x1000n });
    expect(attached.map(request(0n, P))).toBe(0);
    expect(attached.map(request(P, P))).toBe(Errno.ENOMEM);
    attached.unmap(iova(0n), P);
    expect(attached.map(request(P, P))).toBe(0);
    attached.unmapAll();
    expect(attached.map(request(0n, P))).toBe(0);
    const free = new IommufdIoas({ ...options, domainPageSizes: 0n });
    expect(free.map(request(0n, 2n * P))).toBe(0);
  });
});

describe('iommufd by kernel', () => {
  const bar = { deviceMemory: true };

  it('tests the end of the memory before the upper limit of the length since 6.13 (host fact R2.2.6)', () => {
    const both = request(0n, (1n << 64n) - P, { hostAddress: hostAddress(P) });
    expect(ioasOn('6.12').map(both)).toBe(Errno.EINVAL);
    expect(ioasOn('6.13').map(both)).toBe(Errno.EOVERFLOW);
  });

  const whole = { start: 0n, bytes: P, ranges: 1 };

  it('maps a BAR as a dma-buf since 6.19, and never the mmap of a BAR (host facts B1 to B12, R2.2.3)', () => {
    expect(ioasOn('6.18').map(request(0n, P, { ...bar, dmaBuf: whole }))).toBe(Errno.EFAULT);
    expect(ioasOn('6.19').map(request(0n, P, { ...bar, dmaBuf: whole }))).toBe(0);
    expect(ioasOn('6.19').map(request(0n, P, bar))).toBe(Errno.EFAULT);
  });

  it('refuses a dma-buf beyond its end, and one of several ranges (host facts B4 and B5)', () => {
    const part = (dmaBuf: DmaBufPart) => ioasOn('7.2').map(request(0n, P, { ...bar, dmaBuf }));
    expect(part({ start: P, bytes: 2n * P, ranges: 1 })).toBe(0);
    expect(part({ start: P + 1n, bytes: 2n * P, ranges: 1 })).toBe(Errno.EINVAL);
    expect(part({ start: 0n, bytes: 2n * P, ranges: 2 })).toBe(Errno.EOPNOTSUPP);
    expect(part({ start: 2n * P, bytes: 2n * P, ranges: 2 })).toBe(Errno.EINVAL);
  });

  it('refuses a dma-buf while memory decode is off, and takes it again afterwards (host facts B7 to B9)', () => {
    const ioas = ioasOn('7.2');
    const buffer = { ...bar, dmaBuf: whole };
    expect(ioas.map(request(0n, P, { ...buffer, unusable: true }))).toBe(Errno.ENODEV);
    expect(ioas.map(request(0n, P, buffer))).toBe(0);
    expect(ioas.map(request(0n, P, { ...buffer, unusable: true }))).toBe(Errno.ENODEV);
    expect(ioas.map(request(0n, P, buffer))).toBe(Errno.EEXIST);
    expect(ioas.unmap(iova(0n), P)).toEqual({ errno: 0, unmapped: P });
    expect(ioas.map(request(0n, P, buffer))).toBe(0);
  });
});
