import { describe, expect, it } from 'vitest';
import { iova } from '../address/index.ts';
import { Errno } from './errno.ts';
import { TceWindows, type TceWindowsOptions } from './tce-windows.ts';

const KIB = 1n << 10n;
const GIB = 1n << 30n;
const SECOND_WINDOW = 1n << 59n;
const DEFAULT_START = 0x8000_0000n;

const windows = (options: Partial<TceWindowsOptions> = {}): TceWindows =>
  new TceWindows({
    platform: 'powernv',
    hostPageSize: 64n * KIB,
    pageSizes: (4n * KIB) | (64n * KIB),
    dma32: { start: iova(DEFAULT_START), size: 2n * GIB },
    maxWindows: 2,
    maxLevels: 5,
    ...options,
  });

const startsOf = (tce: TceWindows): readonly bigint[] => tce.list().map(({ start }) => start);
const request = { pageSize: 64n * KIB, size: GIB };

describe('TceWindows.create', () => {
  it('refuses all sizes below a page, and makes a window of one page (host fact C7)', () => {
    const onePage = { pageSize: 64n * KIB, size: 64n * KIB };
    expect(windows().create(onePage)).toMatchObject({ errno: 0, window: onePage });
    expect(windows().create({ ...onePage, size: 32n * KIB }).errno).toBe(Errno.EINVAL);
  });

  it('makes a table of as many levels as the host allows, and of no more (host fact C7)', () => {
    expect(windows({ maxLevels: 2 }).create({ ...request, levels: 2 }).errno).toBe(0);
    expect(windows({ maxLevels: 2 }).create({ ...request, levels: 3 }).errno).toBe(Errno.EINVAL);
  });

  it('refuses -1 levels, which the kernel reads as 2^32 - 1 (host fact C7)', () => {
    expect(windows().create({ ...request, levels: -1 }).errno).toBe(Errno.EINVAL);
  });
});

describe('where TceWindows puts a window', () => {
  it('is the default place for slot 0 of bare metal, 2^59 for slot 1 (host facts 3.1 and 3.7)', () => {
    const tce = windows();
    expect(tce.remove(iova(0n))).toEqual({ errno: 0, window: undefined });
    expect([tce.create(request).errno, tce.create(request).errno]).toEqual([0, 0]);
    expect(startsOf(tce)).toEqual([DEFAULT_START, SECOND_WINDOW]);
  });

  it('leaves no two windows at one place, on a host with more than any kernel has', () => {
    const tce = windows({ maxWindows: 4 });
    expect([1, 2, 3].map(() => tce.create(request).errno)).toEqual([0, 0, 0]);
    expect(startsOf(tce)).toEqual([DEFAULT_START, SECOND_WINDOW, 2n * SECOND_WINDOW, 3n * SECOND_WINDOW]);
  });

  it('in a pseries guest is the default place for the promised window and for one like it (host facts D14, D19)', () => {
    const tce = windows({ platform: 'pseries' });
    expect(tce.makeDefault()).toBe(0);
    expect(startsOf(tce)).toEqual([DEFAULT_START]);
    // A request that asks for the same page and size as the default window's.
    const likeDefault = { pageSize: 4n * KIB, size: 2n * GIB };
    expect(tce.create(likeDefault)).toMatchObject({ errno: 0, window: { slot: 1, start: SECOND_WINDOW } });
    expect(tce.remove(iova(DEFAULT_START)).errno).toBe(0);
    expect(tce.create(likeDefault).errno).toBe(Errno.EPERM);
    expect(tce.remove(iova(SECOND_WINDOW)).errno).toBe(0);
    expect(tce.create(likeDefault)).toMatchObject({ errno: 0, window: { slot: 0, start: DEFAULT_START } });
  });

  it('in a pseries guest is none after the hypervisor refused a window (host fact D19)', () => {
    const tce = windows({ platform: 'pseries' });
    const pages64K = { pageSize: 64n * KIB, size: GIB };
    expect(tce.remove(iova(0n)).errno).toBe(0);
    expect(tce.create(pages64K)).toMatchObject({ errno: 0, window: { slot: 0, start: SECOND_WINDOW } });
    // The hypervisor keeps the default window, so this would be its third.
    expect(tce.create(pages64K).errno).toBe(Errno.ENODEV);
    expect(tce.remove(iova(SECOND_WINDOW)).errno).toBe(0);
    expect(tce.create(pages64K).errno).toBe(Errno.ENODEV);
  });

  it('in a pseries guest depends on the bytes of the table and the number of entries (host fact D19)', () => {
    const create = (pageSize: bigint, size: bigint) =>
      windows({ platform: 'pseries' }).create({ pageSize, size }).errno;
    expect(create(64n * KIB, 4n * KIB)).toBe(Errno.EINVAL);
    expect(create(64n * KIB, 8n * KIB)).toBe(Errno.ENODEV);
    expect(create(4n * KIB, 1n << 50n)).toBe(Errno.EINVAL);
    expect(create(4n * KIB, 1n << 49n)).toBe(0);
    expect(create(64n * KIB, 64n * KIB)).toBe(0);
  });

  it.each([
    ['a size that is no power of two', { size: 3n * GIB }],
    ['two levels', { size: GIB, levels: 2 }],
    ['a size that is no power of two, and two levels', { size: 3n * GIB, levels: 2 }],
  ])('in a pseries guest is none for %s, and the hypervisor is not asked (host fact D19)', (_, wrong) => {
    const tce = windows({ platform: 'pseries' });
    expect(tce.create({ pageSize: 64n * KIB, ...wrong }).errno).toBe(Errno.EINVAL);
    expect(tce.create({ pageSize: 64n * KIB, size: GIB }).errno).toBe(0);
  });

  it('in a pseries guest is 2^59 for pages of 4K and more bytes than the default window has (host fact D14)', () => {
    const tce = windows({ platform: 'pseries' });
    expect(tce.remove(iova(0n)).errno).toBe(0);
    const larger = { pageSize: 4n * KIB, size: 4n * GIB };
    expect(tce.create(larger)).toMatchObject({ errno: 0, window: { slot: 0, start: SECOND_WINDOW } });
  });
});
