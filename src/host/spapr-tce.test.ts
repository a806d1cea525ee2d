import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset, type Size } from '../address/index.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import { POWERNV_PAGE_SIZES, SpaprTceContainer, type SpaprTceOptions } from './spapr-tce.ts';

const KiB = 1n << 10n;
const MiB = 1n << 20n;
const GiB = 1n << 30n;
const RAM = 0x7f00_0000_0000n;
const SECOND_WINDOW = 1n << 59n;

const request = (at: bigint, size: bigint, source = RAM): DmaMapRequest => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(source),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(source - RAM) },
});

const block = (start: bigint, size: Size) => ({ hostAddress: hostAddress(start), size });

const container = (options: Partial<SpaprTceOptions> = {}): SpaprTceContainer =>
  new SpaprTceContainer({ hostPageSize: 64n * KiB, ...options });

/** A container with 16 MiB of memory registered. */
function withMemory(options: Partial<SpaprTceOptions> = {}): SpaprTceContainer {
  const tce = container(options);
  expect(tce.registerMemory(block(RAM, 16n * MiB))).toBe(0);
  return tce;
}

const live = (tce: SpaprTceContainer) =>
  tce
    .mappings()
    .map((mapping) => [mapping.iova, mapping.size, mapping.hostAddress - RAM, mapping.backing.offset]);

describe('SpaprTceContainer.registerMemory', () => {
  it.each([
    ['host fact G2: address', block(RAM + 0x1000n, 64n * KiB)],
    ['host fact G2: size', block(RAM, 0x1000n)],
    ['host fact G2: the end does not fit', block(0xffff_ffff_ffff_0000n, 64n * KiB)],
    ['host fact G7: overlap, not identical', block(RAM, 32n * MiB)],
    ['host fact G7: a part', block(RAM, 64n * KiB)],
    ['host fact G7: the inside', block(RAM + 64n * KiB, 64n * KiB)],
  ])('EINVAL by %s', (_, bad) => {
    expect(withMemory().registerMemory(bad)).toBe(Errno.EINVAL);
  });

  it('takes the last block that fits, and neighbours', () => {
    const tce = withMemory();
    expect(tce.registerMemory(block(0xffff_ffff_fffe_0000n, 64n * KiB))).toBe(0);
    expect(tce.registerMemory(block(RAM + 16n * MiB, 64n * KiB))).toBe(0);
    expect(tce.registerMemory(block(RAM - 64n * KiB, 64n * KiB))).toBe(0);
  });

  it('host fact G3: EBUSY for the same block again', () => {
    expect(withMemory().registerMemory(block(RAM, 16n * MiB))).toBe(Errno.EBUSY);
  });

  it('host facts G6 and R3.6.3: EFAULT for memory of a device and for read-only memory', () => {
    const tce = container();
    expect(tce.registerMemory({ ...block(RAM, 64n * KiB), deviceMemory: true })).toBe(Errno.EFAULT);
    expect(tce.registerMemory({ ...block(RAM, 64n * KiB), readonly: true })).toBe(Errno.EFAULT);
  });

  it('checks in the order of the kernel: identical, limit, pin, overlap', () => {
    const tce = withMemory({ lockLimit: 17n * MiB });
    const device = { deviceMemory: true };
    expect(tce.registerMemory({ ...block(RAM, 16n * MiB), ...device })).toBe(Errno.EBUSY);
    expect(tce.registerMemory({ ...block(RAM, 2n * MiB), ...device })).toBe(Errno.ENOMEM);
    expect(tce.registerMemory({ ...block(RAM, 1n * MiB), ...device })).toBe(Errno.EFAULT);
    expect(tce.registerMemory(block(RAM, 1n * MiB))).toBe(Errno.EINVAL);
    expect(tce.registerMemory(block(RAM, 0n))).toBe(Errno.ENOMEM);
  });

  it('host fact G5: unregistering gives the limit back', () => {
    const tce = withMemory({ lockLimit: 16n * MiB });
    expect(tce.registerMemory(block(0n, 64n * KiB))).toBe(Errno.ENOMEM);
    expect(tce.unregisterMemory(hostAddress(RAM), 16n * MiB)).toBe(0);
    expect(tce.registerMemory(block(0n, 16n * MiB))).toBe(0);
  });
});

describe('SpaprTceContainer.unregisterMemory (host fact R3.6.1)', () => {
  it.each([
    ['unaligned', RAM + 0x1000n, 16n * MiB, Errno.EINVAL],
    ['another size', RAM, 64n * KiB, Errno.ENOENT],
    ['another start', RAM + 64n * KiB, 16n * MiB - 64n * KiB, Errno.ENOENT],
    ['the size, but not the start', RAM + 64n * KiB, 16n * MiB, Errno.ENOENT],
    ['nothing there', 0n, 64n * KiB, Errno.ENOENT],
  ])('%s', (_, start, size, errno) => {
    expect(withMemory().unregisterMemory(hostAddress(start), size)).toBe(errno);
  });

  it('EBUSY while something is mapped from the block, unlike Linux 7.2 (host fact D5)', () => {
    const tce = withMemory();
    tce.registerMemory(block(RAM + 16n * MiB, 64n * KiB));
    tce.map(request(0n, 64n * KiB, RAM + 16n * MiB - 64n * KiB));
    expect(tce.unregisterMemory(hostAddress(RAM), 16n * MiB)).toBe(Errno.EBUSY);
    expect(tce.unregisterMemory(hostAddress(RAM + 16n * MiB), 64n * KiB)).toBe(0);
    tce.unmap(iova(0n), 64n * KiB);
    tce.registerMemory(block(RAM + 16n * MiB, 64n * KiB));
    tce.map(request(0n, 64n * KiB, RAM + 16n * MiB));
    expect(tce.unregisterMemory(hostAddress(RAM), 16n * MiB)).toBe(0);
  });
});

describe('SpaprTceContainer windows', () => {
  it('makes the default window at the first use: map, unmap or create', () => {
    const expected = { slot: 0, start: 0n, size: 2n * GiB, pageSize: 4n * KiB };
    const uses: ((tce: SpaprTceContainer) => unknown)[] = [
      (tce) => tce.map(request(0n, 4n * KiB)),
      (tce) => tce.unmap(iova(0n), 4n * KiB),
      (tce) => tce.createWindow({ pageSize: 64n * KiB, size: 1n * GiB }),
    ];
    for (const use of uses) {
      const tce = withMemory();
      expect(tce.windows()).toEqual([]);
      use(tce);
      expect(tce.windows()[0]).toEqual(expected);
    }
  });

  it('puts the second window at 2^59 (host fact 3.1) and refuses a third (host fact C4)', () => {
    const tce = container();
    const window = { slot: 1, start: SECOND_WINDOW, size: 1n * GiB, pageSize: 64n * KiB };
    expect(tce.createWindow({ pageSize: 64n * KiB, size: 1n * GiB })).toEqual({ errno: 0, window });
    expect(tce.windows()).toHaveLength(2);
    expect(tce.createWindow({ pageSize: 3n, size: 3n })).toEqual({ errno: Errno.ENOSPC, window: undefined });
  });

  it('cancels a default window that is still to come; the next one takes its place', () => {
    const tce = withMemory();
    expect(tce.removeWindow(iova(0x1000n))).toBe(Errno.EINVAL);
    expect(tce.removeWindow(iova(0n))).toBe(0);
    expect(tce.windows()).toEqual([]);
    expect(tce.map(request(0n, 4n * KiB))).toBe(Errno.ENXIO);
    expect(tce.unmap(iova(0n), 4n * KiB).errno).toBe(Errno.ENXIO);
    expect(tce.removeWindow(iova(0n))).toBe(Errno.EINVAL);
    const { window } = tce.createWindow({ pageSize: 64n * KiB, size: 4n * GiB });
    expect(window).toEqual({ slot: 0, start: 0n, size: 4n * GiB, pageSize: 64n * KiB });
    expect(tce.createWindow({ pageSize: 64n * KiB, size: 4n * GiB }).window?.start).toBe(SECOND_WINDOW);
  });

  it('has as many windows as the host gives', () => {
    const one = container({ maxWindows: 1 });
    expect(one.createWindow({ pageSize: 64n * KiB, size: GiB }).errno).toBe(Errno.ENOSPC);
    expect(one.windows()).toHaveLength(1);
    expect(container({ maxWindows: 0 }).createWindow({ pageSize: 64n * KiB, size: GiB }).errno).toBe(
      Errno.ENOSPC,
    );
  });

  it('removes the window that an address lies in, with its mappings', () => {
    const tce = withMemory();
    tce.map(request(0n, 64n * KiB));
    tce.createWindow({ pageSize: 64n * KiB, size: GiB });
    tce.map(request(SECOND_WINDOW, 64n * KiB));
    expect(tce.removeWindow(iova(SECOND_WINDOW - 1n))).toBe(Errno.EINVAL);
    expect(tce.removeWindow(iova(SECOND_WINDOW + GiB))).toBe(Errno.EINVAL);
    expect(tce.removeWindow(iova(SECOND_WINDOW + GiB - 1n))).toBe(0);
    expect(live(tce)).toEqual([[0n, 64n * KiB, 0n, 0n]]);
    expect(tce.removeWindow(iova(0n))).toBe(0);
    expect(tce.mappings()).toEqual([]);
    expect(tce.windows()).toEqual([]);
  });

  it.each([
    ['host fact C5: a page size that the group lacks', { pageSize: 2n * MiB, size: GiB }],
    ['host fact C5: no page size at all', { pageSize: 0x11000n, size: GiB }],
    ['host fact C7: a size that is no power of two', { pageSize: 64n * KiB, size: 3n * GiB }],
    ['host fact C7: less than a page', { pageSize: 64n * KiB, size: 4n * KiB }],
    ['host fact C7: no level', { pageSize: 64n * KiB, size: GiB, levels: 0 }],
    ['host fact C7: too many levels', { pageSize: 4n * KiB, size: GiB, levels: 6 }],
    // 13 bits a level at least, for a level fills a 64K page: 3 * 13 + 16 = 55.
    ['host fact C9: too many levels for the pages', { pageSize: 64n * KiB, size: GiB, levels: 3 }],
    ['host fact C9: too large for the levels', { pageSize: 64n * KiB, size: 1n << 55n }],
  ])('EINVAL by %s', (_, bad) => {
    const tce = container();
    expect(tce.createWindow(bad)).toEqual({ errno: Errno.EINVAL, window: undefined });
    expect(tce.windows()).toHaveLength(1);
  });

  it('host fact C9: accepts what just fits', () => {
    expect(container().createWindow({ pageSize: 64n * KiB, size: 1n << 54n }).errno).toBe(0);
    expect(container().createWindow({ pageSize: 64n * KiB, size: GiB, levels: 2 }).errno).toBe(0);
    expect(
      container({ maxLevels: 1 }).createWindow({ pageSize: 64n * KiB, size: GiB, levels: 2 }).errno,
    ).toBe(Errno.EINVAL);
  });

  it('rounds the share of a level up', () => {
    const fourK = { hostPageSize: 4n * KiB };
    // 43 bits of 4K pages over 4 levels are 11 each: 44 + 12 > 55; 42 over 3 are 14: 42 + 12 < 55.
    expect(container(fourK).createWindow({ pageSize: 4n * KiB, size: 1n << 55n, levels: 4 }).errno).toBe(
      Errno.EINVAL,
    );
    expect(container(fourK).createWindow({ pageSize: 4n * KiB, size: 1n << 54n, levels: 3 }).errno).toBe(0);
  });

  it('host facts T3 and C3: returns the error of the default window, and tries again', () => {
    const tce = withMemory({ dma32: { start: iova(0n), size: 3n * GiB } });
    expect(tce.map(request(0n, 4n * KiB))).toBe(Errno.EINVAL);
    expect(tce.unmap(iova(0n), 4n * KiB)).toEqual({ errno: Errno.EINVAL, unmapped: 0n });
    expect(tce.createWindow({ pageSize: 64n * KiB, size: GiB }).errno).toBe(Errno.EINVAL);
    expect(tce.windows()).toEqual([]);
    expect(tce.removeWindow(iova(0n))).toBe(0);
    expect(tce.createWindow({ pageSize: 64n * KiB, size: GiB }).errno).toBe(0);
    const none = withMemory({ pageSizes: 64n * KiB });
    expect(none.map(request(0n, 64n * KiB))).toBe(Errno.EINVAL);
  });
});

describe('SpaprTceContainer.map', () => {
  it('host fact T1: EPERM before any memory was registered', () => {
    const tce = container();
    expect(tce.map(request(0n, 4n * KiB))).toBe(Errno.EPERM);
    expect(tce.unmap(iova(0n), 4n * KiB)).toEqual({ errno: Errno.EPERM, unmapped: 0n });
    expect(tce.windows()).toEqual([]);
  });

  it('stays usable when the last memory is unregistered, but maps nothing', () => {
    const tce = withMemory();
    tce.unregisterMemory(hostAddress(RAM), 16n * MiB);
    expect(tce.map(request(0n, 4n * KiB))).toBe(Errno.EINVAL);
  });

  it.each([
    ['host fact T4: outside of the window', request(2n * GiB, 4n * KiB), Errno.ENXIO],
    ['host facts T4 and T5: the window comes first', request(2n * GiB, 1n), Errno.ENXIO],
    ['host fact T5: size', request(0n, 0x800n), Errno.EINVAL],
    ['host fact T5: host address', request(0n, 4n * KiB, RAM + 0x800n), Errno.EINVAL],
    ['host fact T7: IOVA', request(0x800n, 4n * KiB), Errno.EINVAL],
    ['host fact R3.4.3: past the end of the window', request(2n * GiB - 4n * KiB, 8n * KiB), Errno.EINVAL],
    ['host fact T8: memory that was not registered', request(0n, 4n * KiB, RAM - 4n * KiB), Errno.EINVAL],
    [
      'host fact R3.4.4: memory of a device',
      { ...request(0n, 4n * KiB, 0n), deviceMemory: true },
      Errno.EINVAL,
    ],
  ])('%s', (_, bad, errno) => {
    const tce = withMemory();
    expect(tce.map(bad)).toBe(errno);
    expect(tce.mappings()).toEqual([]);
  });

  it('maps 4K on a 64K host (host fact 3.9)', () => {
    const tce = withMemory();
    expect(tce.pageSizes).toBe(POWERNV_PAGE_SIZES);
    expect(tce.map(request(0x1000n, 4n * KiB, RAM + 0x3000n))).toBe(0);
    expect(live(tce)).toEqual([[0x1000n, 0x1000n, 0x3000n, 0x3000n]]);
  });

  it('maps the last page of a window, and nothing (host fact R3.4.2)', () => {
    const tce = withMemory();
    expect(tce.map(request(2n * GiB - 4n * KiB, 4n * KiB))).toBe(0);
    expect(tce.map(request(0n, 0n))).toBe(0);
    expect(tce.mappings()).toHaveLength(1);
  });

  it('replaces live entries and keeps the rest of what they belonged to (host fact R3.4.1)', () => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    expect(tce.map(request(0x1000n, 0x1000n, RAM + 0x10000n))).toBe(0);
    expect(live(tce)).toEqual([
      [0n, 0x1000n, 0n, 0n],
      [0x1000n, 0x1000n, 0x10000n, 0x10000n],
      [0x2000n, 0x2000n, 0x2000n, 0x2000n],
    ]);
  });

  it('spans registered blocks that touch', () => {
    const tce = withMemory();
    tce.registerMemory(block(RAM + 16n * MiB, 64n * KiB));
    expect(tce.map(request(0n, 128n * KiB, RAM + 16n * MiB - 64n * KiB))).toBe(0);
  });

  it('host fact T11: clears what a failing call has written, over older entries too', () => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    expect(tce.map(request(0x1000n, 0x2000n, RAM + 16n * MiB - 0x1000n))).toBe(Errno.EINVAL);
    expect(live(tce)).toEqual([
      [0n, 0x1000n, 0n, 0n],
      [0x2000n, 0x2000n, 0x2000n, 0x2000n],
    ]);
  });

  it('host facts T8 and R3.6.2: no IOMMU page is larger than the block’s pages and alignment', () => {
    const large = { pageSize: 16n * MiB, size: GiB };
    const twice = block(RAM, 32n * MiB);
    const attempt = (memory: Parameters<SpaprTceContainer['registerMemory']>[0]) => {
      const tce = container();
      expect(tce.registerMemory(memory)).toBe(0);
      expect(tce.createWindow(large).errno).toBe(0);
      return tce.map(request(SECOND_WINDOW, 16n * MiB, memory.hostAddress));
    };
    expect(attempt(twice)).toBe(Errno.EINVAL);
    expect(attempt({ ...twice, hugePageSize: 2n * MiB })).toBe(Errno.EINVAL);
    expect(attempt({ ...twice, hugePageSize: 16n * MiB })).toBe(0);
    expect(attempt({ ...twice, hugePageSize: 1n * GiB })).toBe(0);
    expect(attempt({ ...block(RAM, 24n * MiB), hugePageSize: 16n * MiB })).toBe(Errno.EINVAL);
  });
});

describe('SpaprTceContainer.unmap', () => {
  it.each([
    ['outside of the window', 2n * GiB, 4n * KiB, Errno.ENXIO],
    ['size', 0n, 0x800n, Errno.EINVAL],
    ['IOVA', 0x800n, 4n * KiB, Errno.EINVAL],
    ['past the end', 2n * GiB - 4n * KiB, 8n * KiB, Errno.EINVAL],
  ])('refuses: %s', (_, at, size, errno) => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    expect(tce.unmap(iova(at), size)).toEqual({ errno, unmapped: 0n });
    expect(tce.mappings()).toHaveLength(1);
  });

  it('clears any part, mapped or not', () => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    expect(tce.unmap(iova(0x1000n), 0x1000n)).toEqual({ errno: 0, unmapped: 0x1000n });
    expect(tce.unmap(iova(0x1000n), 0x1000n)).toEqual({ errno: 0, unmapped: 0n });
    expect(tce.unmap(iova(0n), 0n)).toEqual({ errno: 0, unmapped: 0n });
    expect(live(tce)).toEqual([
      [0n, 0x1000n, 0n, 0n],
      [0x2000n, 0x2000n, 0x2000n, 0x2000n],
    ]);
    expect(tce.unmap(iova(0n), 2n * GiB)).toEqual({ errno: 0, unmapped: 0x3000n });
  });
});
