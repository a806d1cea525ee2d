import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset, type Size } from '../address/index.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import { POWERNV_PAGE_SIZES, SpaprTceContainer, type SpaprTceOptions } from './spapr-tce.ts';

const KIB = 1n << 10n;
const MIB = 1n << 20n;
const GIB = 1n << 30n;
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
  new SpaprTceContainer({ hostPageSize: 64n * KIB, ...options });

/** A container with 16 MiB of memory registered. */
function withMemory(options: Partial<SpaprTceOptions> = {}): SpaprTceContainer {
  const tce = container(options);
  expect(tce.registerMemory(block(RAM, 16n * MIB))).toBe(0);
  return tce;
}

const live = (tce: SpaprTceContainer) =>
  tce
    .mappings()
    .map((mapping) => [mapping.iova, mapping.size, mapping.hostAddress - RAM, mapping.backing.offset]);

describe('SpaprTceContainer.registerMemory', () => {
  it.each([
    ['an unaligned address (host fact G2)', block(RAM + 0x1000n, 64n * KIB)],
    ['an unaligned size (host fact G2)', block(RAM, 0x1000n)],
    ['an end that does not fit (host fact G2)', block(0xffff_ffff_ffff_0000n, 64n * KIB)],
    ['a larger block over a registered one (host fact G7)', block(RAM, 32n * MIB)],
    ['the first part of a registered block (host fact G7)', block(RAM, 64n * KIB)],
    ['the inside of a registered block (host fact G7)', block(RAM + 64n * KIB, 64n * KIB)],
  ])('fails with EINVAL for %s', (_, bad) => {
    expect(withMemory().registerMemory(bad)).toBe(Errno.EINVAL);
  });

  it('registers the last block that fits, and neighbours of a block', () => {
    const tce = withMemory();
    expect(tce.registerMemory(block(0xffff_ffff_fffe_0000n, 64n * KIB))).toBe(0);
    expect(tce.registerMemory(block(RAM + 16n * MIB, 64n * KIB))).toBe(0);
    expect(tce.registerMemory(block(RAM - 64n * KIB, 64n * KIB))).toBe(0);
  });

  it('fails with EBUSY for the same block again (host fact G3)', () => {
    expect(withMemory().registerMemory(block(RAM, 16n * MIB))).toBe(Errno.EBUSY);
  });

  it('fails with EFAULT for a BAR and for read-only memory (host facts G6 and R3.6.3)', () => {
    const tce = container();
    expect(tce.registerMemory({ ...block(RAM, 64n * KIB), deviceMemory: true })).toBe(Errno.EFAULT);
    expect(tce.registerMemory({ ...block(RAM, 64n * KIB), readonly: true })).toBe(Errno.EFAULT);
  });

  it('tests for the same block, then the limit, then pins, then tests for overlaps, as the kernel does', () => {
    const tce = withMemory({ lockLimit: 17n * MIB });
    const device = { deviceMemory: true };
    expect(tce.registerMemory({ ...block(RAM, 16n * MIB), ...device })).toBe(Errno.EBUSY);
    expect(tce.registerMemory({ ...block(RAM, 2n * MIB), ...device })).toBe(Errno.ENOMEM);
    expect(tce.registerMemory({ ...block(RAM, 1n * MIB), ...device })).toBe(Errno.EFAULT);
    expect(tce.registerMemory(block(RAM, 1n * MIB))).toBe(Errno.EINVAL);
    expect(tce.registerMemory(block(RAM, 0n))).toBe(Errno.ENOMEM);
  });

  it('counts the limit down when memory is unregistered (host fact G5)', () => {
    const tce = withMemory({ lockLimit: 16n * MIB });
    expect(tce.registerMemory(block(0n, 64n * KIB))).toBe(Errno.ENOMEM);
    expect(tce.unregisterMemory(hostAddress(RAM), 16n * MIB)).toBe(0);
    expect(tce.registerMemory(block(0n, 16n * MIB))).toBe(0);
  });
});

describe('SpaprTceContainer.unregisterMemory (host fact R3.6.1)', () => {
  it.each([
    ['an unaligned address', RAM + 0x1000n, 16n * MIB, Errno.EINVAL],
    ['the start with another size', RAM, 64n * KIB, Errno.ENOENT],
    ['another start with the same end', RAM + 64n * KIB, 16n * MIB - 64n * KIB, Errno.ENOENT],
    ['another start with the same size', RAM + 64n * KIB, 16n * MIB, Errno.ENOENT],
    ['an address without a block', 0n, 64n * KIB, Errno.ENOENT],
  ])('fails for %s', (_, start, size, errno) => {
    expect(withMemory().unregisterMemory(hostAddress(start), size)).toBe(errno);
  });

  it('succeeds while the block is mapped, and the block stays in use (host fact D5)', () => {
    const tce = withMemory();
    tce.map(request(0n, 64n * KIB));
    expect(tce.unregisterMemory(hostAddress(RAM), 16n * MIB)).toBe(0);
    expect(tce.unregisterMemory(hostAddress(RAM), 16n * MIB)).toBe(Errno.ENOENT);
    expect(tce.map(request(64n * KIB, 64n * KIB, RAM + 64n * KIB))).toBe(0);
    expect(tce.registerMemory(block(RAM + 8n * MIB, 16n * MIB))).toBe(Errno.EINVAL);
    expect(tce.registerMemory(block(RAM, 16n * MIB))).toBe(0);
    expect(tce.registerMemory(block(RAM, 16n * MIB))).toBe(Errno.EBUSY);
  });

  it('of a block that no mapping points into forgets the block', () => {
    const tce = withMemory();
    tce.registerMemory(block(RAM + 16n * MIB, 64n * KIB));
    tce.map(request(0n, 64n * KIB, RAM + 16n * MIB - 64n * KIB));
    expect(tce.unregisterMemory(hostAddress(RAM + 16n * MIB), 64n * KIB)).toBe(0);
    expect(tce.map(request(0n, 64n * KIB, RAM + 16n * MIB))).toBe(Errno.EINVAL);
  });

  it('of a block below the one that a mapping points into forgets the lower block', () => {
    for (const gap of [0n, 64n * KIB]) {
      const tce = withMemory();
      const next = RAM + 16n * MIB + gap;
      expect(tce.registerMemory(block(next, 64n * KIB))).toBe(0);
      expect(tce.map(request(0n, 64n * KIB, next))).toBe(0);
      expect(tce.unregisterMemory(hostAddress(RAM), 16n * MIB)).toBe(0);
      expect(tce.map(request(64n * KIB, 64n * KIB))).toBe(Errno.EINVAL);
    }
  });
});

describe('the windows of a SpaprTceContainer', () => {
  it('begin with the default window, made before the first map, unmap or create', () => {
    const expected = { slot: 0, start: 0n, size: 2n * GIB, pageSize: 4n * KIB };
    const uses: ((tce: SpaprTceContainer) => unknown)[] = [
      (tce) => tce.map(request(0n, 4n * KIB)),
      (tce) => tce.unmap(iova(0n), 4n * KIB),
      (tce) => tce.createWindow({ pageSize: 64n * KIB, size: 1n * GIB }),
    ];
    for (const use of uses) {
      const tce = withMemory();
      expect(tce.windows()).toEqual([]);
      use(tce);
      expect(tce.windows()[0]).toEqual(expected);
    }
  });

  it('have the second at 2^59, and no third (host facts 3.1 and C4)', () => {
    const tce = container();
    const window = { slot: 1, start: SECOND_WINDOW, size: 1n * GIB, pageSize: 64n * KIB };
    expect(tce.createWindow({ pageSize: 64n * KIB, size: 1n * GIB })).toEqual({ errno: 0, window });
    expect(tce.windows()).toHaveLength(2);
    expect(tce.createWindow({ pageSize: 3n, size: 3n })).toEqual({ errno: Errno.ENOSPC, window: undefined });
  });

  it('lack a default window that was removed before it was made; the next window takes its place', () => {
    const tce = withMemory();
    expect(tce.removeWindow(iova(0x1000n))).toBe(Errno.EINVAL);
    expect(tce.removeWindow(iova(0n))).toBe(0);
    expect(tce.windows()).toEqual([]);
    expect(tce.map(request(0n, 4n * KIB))).toBe(Errno.ENXIO);
    expect(tce.unmap(iova(0n), 4n * KIB).errno).toBe(Errno.ENXIO);
    expect(tce.removeWindow(iova(0n))).toBe(Errno.EINVAL);
    const { window } = tce.createWindow({ pageSize: 64n * KIB, size: 4n * GIB });
    expect(window).toEqual({ slot: 0, start: 0n, size: 4n * GIB, pageSize: 64n * KIB });
    expect(tce.createWindow({ pageSize: 64n * KIB, size: 4n * GIB }).window?.start).toBe(SECOND_WINDOW);
  });

  it('are at most as many as the host allows', () => {
    const one = container({ maxWindows: 1 });
    expect(one.createWindow({ pageSize: 64n * KIB, size: GIB }).errno).toBe(Errno.ENOSPC);
    expect(one.windows()).toHaveLength(1);
    expect(container({ maxWindows: 0 }).createWindow({ pageSize: 64n * KIB, size: GIB }).errno).toBe(
      Errno.ENOSPC,
    );
  });

  it('are removed by an address in them, with their mappings', () => {
    const tce = withMemory();
    tce.map(request(0n, 64n * KIB));
    tce.createWindow({ pageSize: 64n * KIB, size: GIB });
    tce.map(request(SECOND_WINDOW, 64n * KIB));
    expect(tce.removeWindow(iova(SECOND_WINDOW - 1n))).toBe(Errno.EINVAL);
    expect(tce.removeWindow(iova(SECOND_WINDOW + GIB))).toBe(Errno.EINVAL);
    expect(tce.removeWindow(iova(SECOND_WINDOW + GIB - 1n))).toBe(0);
    expect(live(tce)).toEqual([[0n, 64n * KIB, 0n, 0n]]);
    expect(tce.removeWindow(iova(0n))).toBe(0);
    expect(tce.mappings()).toEqual([]);
    expect(tce.windows()).toEqual([]);
  });

  it.each([
    ['a page size that the group lacks (host fact C5)', { pageSize: 2n * MIB, size: GIB }],
    ['a page size that is no power of two (host fact C5)', { pageSize: 0x11000n, size: GIB }],
    ['a size that is no power of two (host fact C7)', { pageSize: 64n * KIB, size: 3n * GIB }],
    ['a size below a page (host fact C7)', { pageSize: 64n * KIB, size: 4n * KIB }],
    ['0 levels (host fact C7)', { pageSize: 64n * KIB, size: GIB, levels: 0 }],
    ['too many levels (host fact C7)', { pageSize: 4n * KIB, size: GIB, levels: 6 }],
    // A level fills at least a 64K page, so it has 13 bits or more: 3 * 13 + 16 = 55.
    ['too many levels for the page size (host fact C9)', { pageSize: 64n * KIB, size: GIB, levels: 3 }],
    ['a size too large for the levels (host fact C9)', { pageSize: 64n * KIB, size: 1n << 55n }],
  ])('fail with EINVAL for %s', (_, bad) => {
    const tce = container();
    expect(tce.createWindow(bad)).toEqual({ errno: Errno.EINVAL, window: undefined });
    expect(tce.windows()).toHaveLength(1);
  });

  it('are made up to 54 bits of table and page (host fact C9)', () => {
    expect(container().createWindow({ pageSize: 64n * KIB, size: 1n << 54n, levels: 2 }).errno).toBe(0);
    expect(container().createWindow({ pageSize: 64n * KIB, size: GIB, levels: 2 }).errno).toBe(0);
    expect(
      container({ maxLevels: 1 }).createWindow({ pageSize: 64n * KIB, size: GIB, levels: 2 }).errno,
    ).toBe(Errno.EINVAL);
  });

  it('fail with ENOMEM where one level takes more than 16 MiB (host fact C10)', () => {
    const make = (size: bigint, levels: number) =>
      container().createWindow({ pageSize: 64n * KIB, size, levels }).errno;
    expect(make(128n * GIB, 1)).toBe(0);
    expect(make(256n * GIB, 1)).toBe(Errno.ENOMEM);
    expect(make(256n * GIB, 2)).toBe(0);
  });

  it('count the bits of each level rounded up', () => {
    const fourK = { hostPageSize: 4n * KIB };
    // 43 bits over 4 levels are 11 each, and 44 + 12 > 55. 42 bits over 3 levels are 14 each: 42 + 12 < 55.
    expect(container(fourK).createWindow({ pageSize: 4n * KIB, size: 1n << 55n, levels: 4 }).errno).toBe(
      Errno.EINVAL,
    );
    expect(container(fourK).createWindow({ pageSize: 4n * KIB, size: 1n << 54n, levels: 3 }).errno).toBe(0);
  });

  it('return the error of the default window, and try again with the next call (host facts T3 and C3)', () => {
    const tce = withMemory({ dma32: { start: iova(0n), size: 3n * GIB } });
    expect(tce.map(request(0n, 4n * KIB))).toBe(Errno.EINVAL);
    expect(tce.unmap(iova(0n), 4n * KIB)).toEqual({ errno: Errno.EINVAL, unmapped: 0n });
    expect(tce.createWindow({ pageSize: 64n * KIB, size: GIB }).errno).toBe(Errno.EINVAL);
    expect(tce.windows()).toEqual([]);
    expect(tce.removeWindow(iova(0n))).toBe(0);
    expect(tce.createWindow({ pageSize: 64n * KIB, size: GIB }).errno).toBe(0);
    const none = withMemory({ pageSizes: 64n * KIB });
    expect(none.map(request(0n, 64n * KIB))).toBe(Errno.EINVAL);
  });
});

describe('SpaprTceContainer.map', () => {
  it('fails with EPERM before any memory was registered (host fact T1)', () => {
    const tce = container();
    expect(tce.map(request(0n, 4n * KIB))).toBe(Errno.EPERM);
    expect(tce.unmap(iova(0n), 4n * KIB)).toEqual({ errno: Errno.EPERM, unmapped: 0n });
    expect(tce.windows()).toEqual([]);
  });

  it('fails with EINVAL once all memory is unregistered', () => {
    const tce = withMemory();
    tce.unregisterMemory(hostAddress(RAM), 16n * MIB);
    expect(tce.map(request(0n, 4n * KIB))).toBe(Errno.EINVAL);
  });

  it.each([
    ['an IOVA outside of the window (host fact T4)', request(2n * GIB, 4n * KIB), Errno.ENXIO],
    ['an unaligned size outside of the window (host facts T4 and T5)', request(2n * GIB, 1n), Errno.ENXIO],
    ['an unaligned size (host fact T5)', request(0n, 0x800n), Errno.EINVAL],
    ['an unaligned host address (host fact T5)', request(0n, 4n * KIB, RAM + 0x800n), Errno.EINVAL],
    ['an unaligned IOVA (host fact T7)', request(0x800n, 4n * KIB), Errno.EINVAL],
    [
      'a range past the end of the window (host fact R3.4.3)',
      request(2n * GIB - 4n * KIB, 8n * KIB),
      Errno.EINVAL,
    ],
    ['memory that is not registered (host fact T8)', request(0n, 4n * KIB, RAM - 4n * KIB), Errno.EINVAL],
    ['a BAR (host fact R3.4.4)', { ...request(0n, 4n * KIB, 0n), deviceMemory: true }, Errno.EINVAL],
  ])('fails for %s', (_, bad, errno) => {
    const tce = withMemory();
    expect(tce.map(bad)).toBe(errno);
    expect(tce.mappings()).toEqual([]);
  });

  it('maps 4K on a 64K host (host fact 3.9)', () => {
    const tce = withMemory();
    expect(tce.pageSizes).toBe(POWERNV_PAGE_SIZES);
    expect(tce.map(request(0x1000n, 4n * KIB, RAM + 0x3000n))).toBe(0);
    expect(live(tce)).toEqual([[0x1000n, 0x1000n, 0x3000n, 0x3000n]]);
  });

  it('maps the last page of a window, and succeeds for size 0 (host fact R3.4.2)', () => {
    const tce = withMemory();
    expect(tce.map(request(2n * GIB - 4n * KIB, 4n * KIB))).toBe(0);
    expect(tce.map(request(0n, 0n))).toBe(0);
    expect(tce.mappings()).toHaveLength(1);
  });

  it('replaces live entries and keeps the rest of their mapping (host fact R3.4.1)', () => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    expect(tce.map(request(0x1000n, 0x1000n, RAM + 0x10000n))).toBe(0);
    expect(live(tce)).toEqual([
      [0n, 0x1000n, 0n, 0n],
      [0x1000n, 0x1000n, 0x10000n, 0x10000n],
      [0x2000n, 0x2000n, 0x2000n, 0x2000n],
    ]);
  });

  it('maps across registered blocks that touch', () => {
    const tce = withMemory();
    tce.registerMemory(block(RAM + 16n * MIB, 64n * KIB));
    expect(tce.map(request(0n, 128n * KIB, RAM + 16n * MIB - 64n * KIB))).toBe(0);
  });

  it('clears the entries that a failing call has written, older ones too (host fact T11)', () => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    expect(tce.map(request(0x1000n, 0x2000n, RAM + 16n * MIB - 0x1000n))).toBe(Errno.EINVAL);
    expect(live(tce)).toEqual([
      [0n, 0x1000n, 0n, 0n],
      [0x2000n, 0x2000n, 0x2000n, 0x2000n],
    ]);
  });

  it('leaves live entries as they are when the first page of a call fails (host fact T11)', () => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    const before = tce.mappings();
    expect(tce.map(request(0x1000n, 0x2000n, RAM + 16n * MIB))).toBe(Errno.EINVAL);
    expect(tce.mappings()).toBe(before);
  });

  it('maps no IOMMU page larger than the block’s pages and alignment (host facts T8 and R3.6.2)', () => {
    const large = { pageSize: 16n * MIB, size: GIB };
    const twice = block(RAM, 32n * MIB);
    const attempt = (memory: Parameters<SpaprTceContainer['registerMemory']>[0]) => {
      const tce = container();
      expect(tce.registerMemory(memory)).toBe(0);
      expect(tce.createWindow(large).errno).toBe(0);
      return tce.map(request(SECOND_WINDOW, 16n * MIB, memory.hostAddress));
    };
    expect(attempt(twice)).toBe(Errno.EINVAL);
    expect(attempt({ ...twice, hugePageSize: 2n * MIB })).toBe(Errno.EINVAL);
    expect(attempt({ ...twice, hugePageSize: 16n * MIB })).toBe(0);
    expect(attempt({ ...twice, hugePageSize: 1n * GIB })).toBe(0);
    expect(attempt({ ...block(RAM, 24n * MIB), hugePageSize: 16n * MIB })).toBe(Errno.EINVAL);
  });
});

describe('SpaprTceContainer.unmap', () => {
  it.each([
    ['an IOVA outside of the window', 2n * GIB, 4n * KIB, Errno.ENXIO],
    ['an unaligned size', 0n, 0x800n, Errno.EINVAL],
    ['an unaligned IOVA', 0x800n, 4n * KIB, Errno.EINVAL],
    ['a range past the end of the window', 2n * GIB - 4n * KIB, 8n * KIB, Errno.EINVAL],
  ])('fails for %s', (_, at, size, errno) => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    expect(tce.unmap(iova(at), size)).toEqual({ errno, unmapped: 0n });
    expect(tce.mappings()).toHaveLength(1);
  });

  it('clears any part of a window, mapped or not', () => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    expect(tce.unmap(iova(0x1000n), 0x1000n)).toEqual({ errno: 0, unmapped: 0x1000n });
    expect(tce.unmap(iova(0x1000n), 0x1000n)).toEqual({ errno: 0, unmapped: 0n });
    for (const inside of [0n, 0x3000n]) {
      expect(tce.unmap(iova(inside), 0n)).toEqual({ errno: 0, unmapped: 0n });
    }
    expect(live(tce)).toEqual([
      [0n, 0x1000n, 0n, 0n],
      [0x2000n, 0x2000n, 0x2000n, 0x2000n],
    ]);
    expect(tce.unmap(iova(0n), 2n * GIB)).toEqual({ errno: 0, unmapped: 0x3000n });
  });

  it('clears the end, the beginning and the whole of a mapping, and keeps no more than the rest', () => {
    const tce = withMemory();
    tce.map(request(0n, 0x4000n));
    expect(tce.unmap(iova(0x3000n), 0x1000n)).toEqual({ errno: 0, unmapped: 0x1000n });
    expect(tce.unmap(iova(0n), 0x1000n)).toEqual({ errno: 0, unmapped: 0x1000n });
    expect(live(tce)).toEqual([[0x1000n, 0x2000n, 0x1000n, 0x1000n]]);
    expect(tce.unmap(iova(0x1000n), 0x2000n)).toEqual({ errno: 0, unmapped: 0x2000n });
    expect(live(tce)).toEqual([]);
  });
});

describe('SpaprTceContainer where the system call returns a positive number', () => {
  it('returns 1 to a map or an unmap of an IOVA off the page, and to an unmap past the window (host fact D4)', () => {
    const tce = withMemory();
    const one = { returned: 1, errno: 0 };
    expect(tce.answerMap(request(0x800n, 0x1000n))).toEqual(one);
    expect(tce.answerMap(request(0x800n, 0x800n))).toEqual({ returned: -1, errno: Errno.EINVAL });
    expect(tce.answerUnmap(iova(0x800n), 0x1000n)).toMatchObject(one);
    expect(tce.answerUnmap(iova(0n), 0x800n)).toMatchObject({ returned: -1, errno: Errno.EINVAL });
    expect(tce.answerUnmap(iova(2n * GIB - 0x1000n), 0x2000n)).toMatchObject(one);
    expect(tce.answerUnmap(iova(2n * GIB - 0x1000n), 0x1000n)).toMatchObject({ returned: 0 });
    expect(tce.map(request(0x800n, 0x1000n))).toBe(Errno.EINVAL);
    expect(tce.unmap(iova(0x800n), 0x1000n)).toEqual({ errno: Errno.EINVAL, unmapped: 0n });
  });

  it('returns the number of pages that it could pin, if that is not all of them (host fact D13)', () => {
    const tce = container();
    const partly = { ...block(RAM, 128n * KIB), readonly: true };
    expect(tce.answerRegisterMemory({ ...partly, pinnablePages: 1 })).toEqual({ returned: 1, errno: 0 });
    expect(tce.answerRegisterMemory(partly)).toEqual({ returned: -1, errno: Errno.EFAULT });
    expect(tce.registerMemory({ ...partly, pinnablePages: 1 })).toBe(Errno.EFAULT);
    expect(tce.registerMemory({ ...block(RAM, 64n * KIB), unusable: true })).toBe(Errno.EFAULT);
    expect(tce.map(request(0n, 0x1000n))).toBe(Errno.EPERM);
  });
});

describe('SpaprTceContainer in a pseries guest', () => {
  const guest = () => withMemory({ platform: 'pseries' });
  const window = { pageSize: 64n * KIB, size: GIB };

  it('makes a window with 0 levels, which bare metal refuses (host facts C7 and D7)', () => {
    expect(guest().createWindow({ ...window, levels: 0 })).toMatchObject({ errno: 0 });
    expect(withMemory().createWindow({ ...window, levels: 0 })).toMatchObject({ errno: Errno.EINVAL });
  });

  it('puts a window at 2^59, also when the default window is gone (host fact D14)', () => {
    const tce = guest();
    expect(tce.removeWindow(iova(0n))).toBe(0);
    expect(tce.createWindow(window)).toMatchObject({ errno: 0, window: { start: SECOND_WINDOW, slot: 0 } });
  });

  it('refuses a second 64-bit window (host fact D14), but counts windows before (host fact C4)', () => {
    const tce = guest();
    expect(tce.createWindow(window).errno).toBe(0);
    expect(tce.createWindow(window).errno).toBe(Errno.ENOSPC);
    expect(tce.removeWindow(iova(0n))).toBe(0);
    expect(tce.createWindow(window).errno).toBe(Errno.EPERM);
  });
});
