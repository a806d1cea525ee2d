import { describe, expect, it } from 'vitest';
import { iova } from '../address/index.ts';
import { Errno, SpaprTceContainer, type SpaprTceOptions } from '../host/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import type { ContainerRules } from './container-rules.ts';
import { VmmAbort } from './failure.ts';
import { SpaprWindows } from './spapr-windows.ts';
import { P4K, P64K, eventLog, ramDevice, sectionOf } from './testing/fakes.ts';
import { NEWEST } from './revisions/index.ts';

const GIB = 1n << 30n;
const SECOND = 1n << 59n;

function make(
  options: Partial<SpaprTceOptions> = {},
  hostPageSize = P64K,
  rules: Partial<ContainerRules> = {},
) {
  const log = eventLog();
  const iommu = new SpaprTceContainer({ hostPageSize, ...options });
  const windows = new SpaprWindows({
    container: 'container',
    iommu,
    hostPageSize,
    emit: log.emit,
    rules: { ...NEWEST.container, ...rules },
  });
  /** Adds a window for a section of an IOMMU region; returns the errno. */
  const add = (start: bigint, size: bigint, region = MemoryRegion.iommu('tce', size)): Errno =>
    windows.add(sectionOf(region, start, size, 0n), { start, size });
  const remove = (start: bigint, size: bigint): void =>
    windows.remove(sectionOf(MemoryRegion.iommu('tce', size), start, size, 0n), { start, size }, 'fatal');
  return { iommu, windows, add, remove, log };
}

describe('the windows of an sPAPR container (vfio facts 7.2 and 7.4)', () => {
  it('begin without the host’s default window', () => {
    const { iommu, log } = make();
    expect(log.events).toEqual([
      { type: 'window-remove', container: 'container', start: 0n, size: 0n, deviceMemory: false, errno: 0 },
    ]);
    // The kernel makes its default window before the first use, unless the window was removed.
    iommu.createWindow({ pageSize: P4K, size: GIB });
    expect(iommu.windows()).toHaveLength(1);
  });

  it('lie where the guest has them, with the page of the emulated bridge', () => {
    const { iommu, add, log } = make();
    expect(add(0n, GIB)).toBe(0);
    expect(iommu.windows()).toEqual([{ slot: 0, start: 0n, size: GIB, pageSize: P4K }]);
    expect(log.events[1]).toEqual({
      type: 'window-create',
      container: 'container',
      start: 0n,
      size: GIB,
      pageSize: P4K,
      deviceMemory: false,
      errno: 0,
    });
    expect(add(SECOND, 4n * GIB)).toBe(0);
    expect(iommu.windows()).toMatchObject([{ start: 0n }, { start: SECOND, size: 4n * GIB }]);
  });

  it('are refused with EINVAL when they overlap', () => {
    const { add, iommu, log } = make();
    add(0n, GIB);
    for (const [start, size] of [
      [0n, GIB],
      [GIB / 2n, GIB],
      [GIB - 1n, 1n],
      [0n, 1n],
    ] as const) {
      expect(add(start, size)).toBe(Errno.EINVAL);
      expect(log.events.at(-1)).not.toHaveProperty('pageSize');
    }
    expect(iommu.windows()).toHaveLength(1);
    expect(log.events.at(-1)).toMatchObject({ type: 'window-create', errno: 22 });
  });

  it('may touch each other', () => {
    const { iommu, add, log } = make({ dma32: { start: iova(GIB), size: GIB } });
    expect(add(GIB, GIB)).toBe(0);
    // EINVAL because the host puts the window elsewhere; the windows do not overlap.
    for (const start of [2n * GIB, 0n]) {
      expect(add(start, GIB)).toBe(Errno.EINVAL);
      expect(log.events.at(-1)).toMatchObject({ start, pageSize: P4K });
    }
    expect(iommu.windows()).toHaveLength(1);
  });

  it('are removed again when the host puts them elsewhere', () => {
    const { iommu, add } = make();
    expect(add(0x2100_0000_0000n, GIB)).toBe(Errno.EINVAL);
    expect(iommu.windows()).toEqual([]);
    expect(add(0n, GIB)).toBe(0);
  });

  it('fail with ENOSPC when the host has no more', () => {
    const { iommu, add } = make();
    add(0n, GIB);
    add(SECOND, GIB);
    expect(add(2n * SECOND, GIB)).toBe(Errno.ENOSPC);
    const one = make({ maxWindows: 1 });
    one.add(0n, GIB);
    expect(one.add(SECOND, GIB)).toBe(Errno.ENOSPC);
    expect([iommu.windows().length, one.iommu.windows().length]).toEqual([2, 1]);
  });

  it('are removed with their section', () => {
    const { iommu, add, remove, log } = make();
    add(0n, GIB);
    add(SECOND, GIB);
    log.take();
    remove(0n, GIB);
    expect(iommu.windows()).toMatchObject([{ start: SECOND }]);
    expect(log.take()).toEqual([
      { type: 'window-remove', container: 'container', start: 0n, size: GIB, deviceMemory: false, errno: 0 },
    ]);
    expect(add(0n, GIB)).toBe(0);
  });

  it.each([
    ['never made', 0n, 2n * GIB],
    ['made with another size', 0n, GIB / 2n],
    ['made elsewhere', GIB, GIB],
  ])('end the VMM when a section is removed whose window was %s', (_, start, size) => {
    const { add, remove } = make();
    if (size !== 2n * GIB) add(0n, GIB);
    let thrown: unknown;
    try {
      remove(start, size);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(VmmAbort);
    expect(thrown).toEqual({
      site: 'dma-window',
      message: `vfio: Cannot delete missing window at 0x${start.toString(16)}`,
    });
  });

  it('end the VMM when a section is removed whose window the host refused', () => {
    const { add, remove } = make();
    add(0x2100_0000_0000n, GIB);
    expect(() => remove(0x2100_0000_0000n, GIB)).toThrow(
      expect.objectContaining({ site: 'dma-window' }) as Error,
    );
  });
});

describe('the page of a sPAPR window', () => {
  const pageFor = (pageSizes: bigint, hostPageSize = P64K, region?: MemoryRegion) => {
    const { iommu, add } = make({ pageSizes }, hostPageSize);
    const errno = add(0n, GIB, region);
    return errno === 0 ? iommu.windows()[0]!.pageSize : errno;
  };

  it('is 4K for an IOMMU region, if the host has such pages', () => {
    expect(pageFor(P4K | P64K | (16n << 20n))).toBe(P4K);
    expect(pageFor(P4K, P4K)).toBe(P4K);
    expect(pageFor(P64K)).toBe(Errno.EINVAL);
  });

  it('is that of the IOMMU region, but none above the page of the host', () => {
    const window = (iommuPageSize: bigint) => MemoryRegion.iommu('tce', GIB, { iommuPageSize });
    const offered = P4K | P64K | (16n << 20n);
    expect(pageFor(offered, P64K, window(P64K))).toBe(P64K);
    expect(pageFor(offered, P64K, window(16n << 20n))).toBe(P64K);
    expect(pageFor(offered, P4K, window(P64K))).toBe(P4K);
  });

  it('is for device memory the largest of the host that is not above its kernel’s page', () => {
    const bar = ramDevice('bar', GIB);
    expect(pageFor(P4K | P64K | (16n << 20n), P64K, bar)).toBe(P64K);
    expect(pageFor(P4K | (16n << 20n), P64K, bar)).toBe(P4K);
    expect(pageFor(P4K | P64K, P4K, bar)).toBe(P4K);
    expect(pageFor(16n << 20n, P64K, bar)).toBe(Errno.EINVAL);
  });

  it('is reported with a flag for device memory', () => {
    const { windows, log } = make();
    const section = sectionOf(ramDevice('bar', GIB), 0n, GIB);
    windows.add(section, { start: 0n, size: GIB });
    windows.remove(section, { start: 0n, size: GIB }, 'fatal');
    expect(log.events.slice(1)).toMatchObject([
      { type: 'window-create', deviceMemory: true },
      { type: 'window-remove', deviceMemory: true },
    ]);
  });
});

describe('the levels of a sPAPR window’s table', () => {
  /** A host that notes how many levels QEMU asks for. */
  class RecordingLevels extends SpaprTceContainer {
    readonly asked: number[] = [];

    override createWindow(request: Parameters<SpaprTceContainer['createWindow']>[0]) {
      this.asked.push(request.levels!);
      return super.createWindow(request);
    }
  }

  // One level holds a table of 256 host pages; an entry has 8 bytes.
  it.each([
    [P64K, 1n << 12n, 1],
    [P64K, GIB, 1],
    [P64K, 1n << 33n, 1],
    [P64K, 1n << 34n, 2],
    [P64K, 1n << 40n, 2],
    [P4K, 1n << 29n, 1],
    [P4K, 1n << 30n, 2],
    [P4K, 1n << 49n, 2],
    [P4K, 1n << 50n, 3],
  ])('on host pages of %i bytes, for a window of %i bytes, are %i', (hostPageSize, size, levels) => {
    const iommu = new RecordingLevels({ hostPageSize, pageSizes: P4K });
    const windows = new SpaprWindows({
      container: 'container',
      iommu,
      hostPageSize,
      emit: () => undefined,
      rules: NEWEST.container,
    });
    windows.add(sectionOf(MemoryRegion.iommu('tce', size), 0n, size), { start: 0n, size });
    expect(iommu.asked).toEqual([levels]);
  });
});

describe('a rule of sPAPR windows that a patch changes', () => {
  it('leaves the default window of the host', () => {
    expect(make({}, P64K, { removesDefaultWindow: false }).log.events).toEqual([]);
  });

  it('asks for another size than that of the section', () => {
    const { add, remove, iommu, log } = make({}, P64K, { windowSize: (size) => size / 2n });
    expect(add(0n, GIB)).toBe(0);
    expect(iommu.windows()).toMatchObject([{ start: 0n, size: GIB / 2n }]);
    expect(log.events.at(-1)).toMatchObject({ type: 'window-create', size: GIB / 2n });
    remove(0n, GIB);
    expect(iommu.windows()).toEqual([]);
  });

  it('leaves the window of a section that goes', () => {
    const { add, remove, iommu, log } = make({}, P64K, { removesWindows: false });
    add(0n, GIB);
    log.take();
    remove(0n, GIB);
    expect(iommu.windows()).toHaveLength(1);
    expect(log.take()).toEqual([]);
  });
});

describe('a section without a window that goes', () => {
  it('ends the VMM, or changes nothing where the caller ignores it', () => {
    const { windows, remove, log } = make();
    log.take();
    const section = sectionOf(MemoryRegion.iommu('tce', GIB), 0n, GIB, 0n);
    windows.remove(section, { start: 0n, size: GIB }, 'ignored');
    expect(log.take()).toEqual([]);
    expect(() => remove(0n, GIB)).toThrow(VmmAbort);
  });
});
