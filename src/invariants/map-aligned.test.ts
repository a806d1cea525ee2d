import { describe, expect, it } from 'vitest';
import { hostAddress } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import { mapAligned } from './map-aligned.ts';
import {
  END,
  PAGE,
  PAGE_64K,
  causes,
  judge,
  mapEvent,
  memslot,
  memslotEvent,
  registerEvent,
  saysNothing,
  scenario,
  trace,
  traceOfEvents,
  unmapEvent,
} from './testing/index.ts';

const aligned = 0x7f00_0000_0000n;
const pages64K = { pages: { host: PAGE_64K, iommu: PAGE_64K } };

/** Device memory of BAR 1, which has `size` bytes. */
const ofBar = (size: bigint) => ({
  scenario: scenario({
    devices: [{ id: 'dev0', bars: [{ index: 1, size: `0x${size.toString(16)}`, type: 'mem32' }] }],
  }),
  ...pages64K,
});
const mmap = { region: 'dev0 BAR 1 mmaps[0]', owner: 'dev0' };

describe('map-aligned', () => {
  it('accepts maps of whole pages, up to the end of the address space', () => {
    const maps = [mapEvent(0n, PAGE), mapEvent(END - PAGE, PAGE), mapEvent(0x10_0000n, 0x7ff0_0000n)];
    expect(judge(mapAligned, traceOfEvents(maps))).toMatchObject({ causes: [], exercised: 3 });
  });

  it.each([
    ['one byte less than a page', 0n, PAGE - 1n],
    ['one byte more than a page', 0n, PAGE + 1n],
    ['half a page', 0n, PAGE / 2n],
    ['a start one byte after the page boundary', 1n, PAGE],
    ['a start in the last byte of a page', PAGE - 1n, PAGE],
  ])('reports RAM with %s', (_, start, size) => {
    expect(causes(mapAligned, traceOfEvents([mapEvent(start, size)]))).toEqual(['ram-off-host-page']);
  });

  it('compares with the smallest page of the IOMMU, not with the host page', () => {
    const maps = [mapEvent(PAGE, PAGE)];
    expect(causes(mapAligned, traceOfEvents(maps, { pages: { host: PAGE_64K, iommu: PAGE } }))).toEqual([]);
    expect(causes(mapAligned, traceOfEvents(maps, { pages: { host: PAGE, iommu: PAGE_64K } }))).toEqual([
      'ram-range-unaligned',
    ]);
  });

  it('distinguishes an unaligned host address from an unaligned range', () => {
    const off = (by: bigint, more = {}) => mapEvent(0n, PAGE_64K, { hostAddress: aligned + by, ...more });
    expect(causes(mapAligned, traceOfEvents([off(0n)], pages64K))).toEqual([]);
    for (const by of [1n, PAGE, PAGE_64K - 1n]) {
      expect(causes(mapAligned, traceOfEvents([off(by)], pages64K))).toEqual(['ram-backing-unaligned']);
      expect(causes(mapAligned, traceOfEvents([off(by, mmap)], pages64K))).toEqual([
        'device-memory-backing-unaligned',
      ]);
    }
    expect(causes(mapAligned, traceOfEvents([off(PAGE_64K)], pages64K))).toEqual([]);
  });

  it('distinguishes a piece of a large BAR from a BAR smaller than a page', () => {
    const maps = [mapEvent(0xc000_0000n, 0x2000n, mmap)];
    expect(causes(mapAligned, traceOfEvents(maps, ofBar(0x8000n)))).toEqual(['small-bar-unaligned']);
    // Of a BAR with exactly one page, the range can only be a piece.
    expect(causes(mapAligned, traceOfEvents(maps, ofBar(PAGE_64K)))).toEqual(['bar-fragment-unaligned']);
    expect(causes(mapAligned, traceOfEvents(maps, ofBar(0x200_0000n)))).toEqual(['bar-fragment-unaligned']);
  });

  it('takes device memory of an unknown BAR for a piece', () => {
    const of = (more: object) => [mapEvent(0xc000_0000n, 0x2000n, { ...mmap, ...more })];
    for (const backing of [{ owner: 'dev7' }, { region: 'dev0 BAR 2 mmaps[0]' }]) {
      expect(causes(mapAligned, traceOfEvents(of(backing), ofBar(0x1000n)))).toEqual([
        'bar-fragment-unaligned',
      ]);
    }
  });

  it('checks every request: refused ones, of any container, after every outcome', () => {
    const refused = mapEvent(0n, PAGE - 1n, { errno: Errno.EINVAL });
    const other = mapEvent(0n, PAGE - 1n, { container: 'another', ...mmap });
    expect(causes(mapAligned, traceOfEvents([mapEvent(0n, PAGE), refused, other]))).toEqual([
      'ram-off-host-page',
      'bar-fragment-unaligned',
    ]);
    for (const outcome of ['aborted', 'rejected'] as const) {
      expect(causes(mapAligned, traceOfEvents([refused], { outcome }))).toEqual(['ram-off-host-page']);
    }
  });

  it('names the step, the addresses and the page size, and counts the teardown as one more step', () => {
    const judged = trace([{}, { events: [mapEvent(0x1000n, 0x800n, { offset: 0x1000n })] }, {}]);
    expect(judge(mapAligned, judged).violations).toEqual([
      {
        invariant: 'map-aligned',
        cause: 'ram-off-host-page',
        step: 1,
        message:
          'RAM "ram" is to be DMA-mapped at [0x1000, 0x17ff] from host address 0x7f0000001000, ' +
          'but the smallest page of the IOMMU has 0x1000 bytes',
        at: { start: 0x1000n, end: 0x1800n },
      },
    ]);
    const teardown = { events: [mapEvent(0n, 1n, mmap)], containers: [] };
    const [violation] = judge(mapAligned, trace([{}, {}], { teardown })).violations;
    expect(violation).toMatchObject({ step: 2 });
    expect(violation!.message).toMatch(/^device memory /);
  });

  it('keeps the first of several violations with the same cause', () => {
    const judged = trace([{ events: [mapEvent(0n, 1n)] }, { events: [mapEvent(0n, 2n)] }]);
    expect(judge(mapAligned, judged)).toMatchObject({ exercised: 2, violations: [{ step: 0 }] });
  });

  it('checks nothing where no map is requested', () => {
    expect(saysNothing(mapAligned, traceOfEvents([]))).toBe(true);
    const others = [unmapEvent(1n, 1n), memslotEvent(memslot(1n, 1n))];
    expect(saysNothing(mapAligned, traceOfEvents(others))).toBe(true);
  });

  it('ignores the host address of a vfio-user map, which the client never sends', () => {
    const host = { iommu: { type: 'vfio-user', pageSizes: ['0x10000'] } };
    const map = mapEvent(0n, PAGE_64K, { hostAddress: aligned + PAGE });
    expect(causes(mapAligned, traceOfEvents([map], { scenario: scenario({ host }), ...pages64K }))).toEqual(
      [],
    );
  });

  it('distinguishes RAM off the host page from RAM off a larger IOMMU page', () => {
    const offHostPage = traceOfEvents([mapEvent(PAGE, PAGE)], pages64K);
    const offIommuPage = traceOfEvents([mapEvent(PAGE, PAGE)], { pages: { host: PAGE, iommu: PAGE_64K } });
    expect(causes(mapAligned, offHostPage)).not.toEqual(causes(mapAligned, offIommuPage));
  });

  it('goes by the range alone where the trace has no host addresses, as that of a real VMM', () => {
    const hidden = (at: bigint, size: bigint) => ({ ...mapEvent(at, size), hostAddress: undefined as never });
    expect(causes(mapAligned, traceOfEvents([hidden(0n, PAGE)]))).toEqual([]);
    expect(judge(mapAligned, traceOfEvents([hidden(0n, 0x800n)])).violations).toMatchObject([
      {
        message:
          'RAM "ram" is to be DMA-mapped at [0x0, 0x7ff], but the smallest page of the IOMMU has 0x1000 bytes',
      },
    ]);
  });
});

describe('map-aligned for memory that an sPAPR container registers', () => {
  const of = (size: bigint, at: bigint, errno: Errno = 0) =>
    traceOfEvents([registerEvent(size, errno, { hostAddress: hostAddress(at) })], {
      pages: { host: PAGE_64K, iommu: PAGE },
    });

  it('accepts whole pages of the host', () => {
    expect(judge(mapAligned, of(PAGE_64K, aligned))).toMatchObject({ causes: [], exercised: 1 });
  });

  it('reports a size and an address off the pages of the host, which the kernel refuses', () => {
    expect(causes(mapAligned, of(PAGE_64K + PAGE, aligned))).toEqual(['registration-unaligned']);
    expect(causes(mapAligned, of(PAGE_64K, aligned + PAGE, Errno.EINVAL))).toEqual([
      'registration-unaligned',
    ]);
    expect(judge(mapAligned, of(PAGE, aligned)).violations[0]!.message).toBe(
      'memory is to be registered at host address [0x7f0000000000, 0x7f0000000fff], but a page of the host has 0x10000 bytes',
    );
  });
});
