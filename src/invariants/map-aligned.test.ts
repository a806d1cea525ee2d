import { describe, expect, it } from 'vitest';
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
  it('accepts what is made of whole pages, up to the end of the space', () => {
    const maps = [mapEvent(0n, PAGE), mapEvent(END - PAGE, PAGE), mapEvent(0x10_0000n, 0x7ff0_0000n)];
    expect(judge(mapAligned, traceOfEvents(maps))).toMatchObject({ causes: [], exercised: 3 });
  });

  it.each([
    ['one byte less', 0n, PAGE - 1n],
    ['one byte more', 0n, PAGE + 1n],
    ['half a page', 0n, PAGE / 2n],
    ['a start one byte behind the page', 1n, PAGE],
    ['a start in the last byte of a page', PAGE - 1n, PAGE],
  ])('reports RAM of %s', (_, start, size) => {
    expect(causes(mapAligned, traceOfEvents([mapEvent(start, size)]))).toEqual(['ram-off-host-page']);
  });

  it('takes the smallest page of the IOMMU, not the host page', () => {
    const maps = [mapEvent(PAGE, PAGE)];
    expect(causes(mapAligned, traceOfEvents(maps, { pages: { host: PAGE_64K, iommu: PAGE } }))).toEqual([]);
    expect(causes(mapAligned, traceOfEvents(maps, { pages: { host: PAGE, iommu: PAGE_64K } }))).toEqual([
      'ram-range-unaligned',
    ]);
  });

  it('tells a backing that is off the page from a range that is', () => {
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

  it('tells the piece of a large BAR from a BAR that never had a page', () => {
    const maps = [mapEvent(0xc000_0000n, 0x2000n, mmap)];
    expect(causes(mapAligned, traceOfEvents(maps, ofBar(0x8000n)))).toEqual(['small-bar-unaligned']);
    // A BAR of exactly one page was cut up.
    expect(causes(mapAligned, traceOfEvents(maps, ofBar(PAGE_64K)))).toEqual(['bar-fragment-unaligned']);
    expect(causes(mapAligned, traceOfEvents(maps, ofBar(0x200_0000n)))).toEqual(['bar-fragment-unaligned']);
  });

  it('takes device memory of no BAR that it knows for a piece', () => {
    const of = (more: object) => [mapEvent(0xc000_0000n, 0x2000n, { ...mmap, ...more })];
    for (const stranger of [{ owner: 'dev7' }, { region: 'dev0 BAR 2 mmaps[0]' }]) {
      expect(causes(mapAligned, traceOfEvents(of(stranger), ofBar(0x1000n)))).toEqual([
        'bar-fragment-unaligned',
      ]);
    }
  });

  it('does not care for the answer, for the container, or for what happens later', () => {
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

  it('says where: the step, the teardown counting as one more, the addresses, all the numbers', () => {
    const judged = trace([{}, { events: [mapEvent(0x1000n, 0x800n, { offset: 0x1000n })] }, {}]);
    expect(judge(mapAligned, judged).violations).toEqual([
      {
        invariant: 'map-aligned',
        cause: 'ram-off-host-page',
        step: 1,
        message:
          'RAM "ram" is to be mapped at [0x1000, 0x17ff], backed at 0x7f0000001000, ' +
          "but the IOMMU's smallest page has 0x1000 bytes",
        at: { start: 0x1000n, end: 0x1800n },
      },
    ]);
    const teardown = { events: [mapEvent(0n, 1n, mmap)], containers: [] };
    const [violation] = judge(mapAligned, trace([{}, {}], { teardown })).violations;
    expect(violation).toMatchObject({ step: 2 });
    expect(violation!.message).toMatch(/^device memory /);
  });

  it('keeps the first of several with the same cause', () => {
    const judged = trace([{ events: [mapEvent(0n, 1n)] }, { events: [mapEvent(0n, 2n)] }]);
    expect(judge(mapAligned, judged)).toMatchObject({ exercised: 2, violations: [{ step: 0 }] });
  });

  it('has nothing to say where nothing is mapped', () => {
    expect(saysNothing(mapAligned, traceOfEvents([]))).toBe(true);
    const others = [unmapEvent(1n, 1n), memslotEvent(memslot(1n, 1n))];
    expect(saysNothing(mapAligned, traceOfEvents(others))).toBe(true);
  });

  it('does not hold a vfio-user map to an address that is never sent', () => {
    const host = { iommu: { type: 'vfio-user', pageSizes: ['0x10000'] } };
    const map = mapEvent(0n, PAGE_64K, { hostAddress: aligned + PAGE });
    expect(causes(mapAligned, traceOfEvents([map], { scenario: scenario({ host }), ...pages64K }))).toEqual(
      [],
    );
  });

  it('tells RAM off the host page from RAM off a larger IOMMU page', () => {
    const offHostPage = traceOfEvents([mapEvent(PAGE, PAGE)], pages64K);
    const offIommuPage = traceOfEvents([mapEvent(PAGE, PAGE)], { pages: { host: PAGE, iommu: PAGE_64K } });
    expect(causes(mapAligned, offHostPage)).not.toEqual(causes(mapAligned, offIommuPage));
  });
});
