import { describe, expect, it } from 'vitest';
import { hex } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import { mmapInsideBar } from './mmap-inside-bar.ts';
import {
  PAGE,
  PAGE_64K,
  causes,
  judge,
  mapEvent,
  mmapEvent,
  saysNothing,
  scenario,
  trace,
  traceOfEvents,
} from './testing/index.ts';

type Events = Parameters<typeof traceOfEvents>[0];

interface Parts {
  readonly bar?: object;
  readonly msix?: object;
  readonly host?: object;
  readonly page?: bigint;
}

const SIZE = 0x1_0000n;
const refused = { errno: Errno.EINVAL };

/** BAR 0 of 64 KiB with the table in [0x2ff8, 0x3018). */
const onHost = (events: Events, { bar, msix, host, page = PAGE }: Parts = {}) =>
  traceOfEvents(events, {
    pages: { host: page },
    scenario: scenario({
      host: { kernel: 'sparse-msix', ...host },
      devices: [
        {
          id: 'dev0',
          bars: [
            { index: 0, size: '0x10000', type: 'mem32', ...bar },
            { index: 2, size: '0x10000', type: 'mem32' },
          ],
          msix: { vectors: 2, tableBar: 0, tableOffset: '0x2ff8', pbaBar: 0, pbaOffset: '0x8000', ...msix },
        },
        { id: 'dev1', bars: [{ index: 0, size: '0x10000', type: 'mem32' }] },
      ],
    }),
  });
const of = (events: Events, parts: Parts = {}) => causes(mmapInsideBar, onHost(events, parts));
/** A host that names one area itself. */
const named = (offset: bigint, size: bigint): Parts => ({
  bar: { sparse: [{ offset: hex(offset), size: hex(size) }] },
});
const mappable = { host: { kernel: 'msix-mappable' } };

describe('mmap-inside-bar', () => {
  it('accepts a whole BAR, and pieces of it on host pages', () => {
    const events = [mmapEvent(0n, SIZE), mmapEvent(PAGE, 8n), mmapEvent(SIZE - PAGE, PAGE)];
    expect(judge(mmapInsideBar, onHost(events, mappable))).toMatchObject({ causes: [], exercised: 3 });
  });

  it('reports an accepted area off the page', () => {
    expect(of([mmapEvent(1n, PAGE)], mappable)).toEqual(['unaligned']);
    expect(of([mmapEvent(PAGE - 1n, 1n)], mappable)).toEqual(['unaligned']);
    expect(of([mmapEvent(PAGE, PAGE)], { ...mappable, page: PAGE_64K })).toEqual(['unaligned']);
    expect(of([mmapEvent(1n, PAGE, refused)], mappable)).toEqual(['asked-unaligned']);
    expect(of([mmapEvent(1n, PAGE, refused)], { ...mappable, ...named(1n, PAGE) })).toEqual([]);
  });

  it('reports an accepted area beyond the BAR; the rest of its last page belongs to it', () => {
    expect(of([mmapEvent(0n, SIZE + 1n)], mappable)).toEqual(['beyond-bar']);
    expect(of([mmapEvent(SIZE - PAGE, PAGE + 1n)], mappable)).toEqual(['beyond-bar']);
    expect(of([mmapEvent(0n, SIZE + 1n, refused)], mappable)).toEqual(['asked-beyond-bar']);
    expect(of([mmapEvent(0n, SIZE + 1n, refused)], { ...mappable, ...named(0n, SIZE + 1n) })).toEqual([]);
    // A device that says that its table lies there leads the VMM there.
    const lost = { msix: { tableOffset: '0x10000' } };
    expect(of([mmapEvent(0n, 2n * SIZE, refused)], { ...mappable, ...lost })).toEqual([]);
    const small = {
      ...mappable,
      bar: { size: '0x800' },
      msix: { tableOffset: 0, vectors: 1, pbaOffset: '0x400' },
    };
    expect(of([mmapEvent(0n, PAGE)], small)).toEqual([]);
    expect(of([mmapEvent(0n, PAGE + 1n)], small)).toEqual(['beyond-bar']);
    expect(of([mmapEvent(0n, SIZE)], { ...small, page: PAGE_64K })).toEqual([]);
  });

  it('reports an accepted area of a BAR that does not exist', () => {
    expect(of([mmapEvent(0n, PAGE, { bar: 1 })], mappable)).toEqual(['beyond-bar']);
    expect(of([mmapEvent(0n, PAGE, { device: 'dev7' })], mappable)).toEqual(['beyond-bar']);
    expect(of([mmapEvent(0n, PAGE, { bar: 1, ...refused })], mappable)).toEqual([]);
  });

  it.each([
    ['ends where the first page of the table begins', 0n, 0x2000n, false],
    ['ends one byte behind that', 0n, 0x2001n, true],
    ['is the last byte of the last page of the table', 0x3fffn, 1n, true],
    ['begins behind it', 0x4000n, 0x4000n, false],
    ['holds it all', 0n, SIZE, true],
  ])(
    'reports what takes in the pages of the table where the kernel forbids it: an area that %s',
    (_, start, size, broken) => {
      // Refused: what was asked for is wrong all the same.
      const found = of([mmapEvent(start, size, refused)]);
      expect(found.includes('msix-page')).toBe(broken);
    },
  );

  it('takes host pages for that', () => {
    expect(of([mmapEvent(0n, PAGE)], { page: PAGE_64K })).toEqual(['msix-page']);
    expect(of([mmapEvent(0n, PAGE)])).toEqual([]);
  });

  it.each<[string, Parts]>([
    ['the kernel allows it', mappable],
    ['a vendor driver names areas', named(0n, SIZE)],
    ['the table lies in another BAR', { msix: { tableBar: 2 } }],
    ['a server, no kernel, is behind it', { host: { iommu: { type: 'vfio-user' } } }],
  ])('forbids nothing where %s', (_, parts) => {
    expect(of([mmapEvent(0n, SIZE)], parts)).toEqual([]);
  });

  it('forbids nothing in other BARs, and devices without MSI-X', () => {
    expect(of([mmapEvent(0n, SIZE, { bar: 2 }), mmapEvent(0n, SIZE, { device: 'dev1' })])).toEqual([]);
  });

  it('wants every area inside one that the host named, where it named any', () => {
    const one = { ...mappable, ...named(PAGE, 2n * PAGE) };
    expect(of([mmapEvent(PAGE, 2n * PAGE), mmapEvent(2n * PAGE, PAGE)], one)).toEqual([]);
    expect(of([mmapEvent(0n, 2n * PAGE)], one)).toEqual(['not-granted']);
    expect(of([mmapEvent(PAGE, 3n * PAGE, refused)], one)).toEqual(['not-granted']);
    expect(of([mmapEvent(0n, PAGE)], { ...mappable, bar: { sparse: [] } })).toEqual(['not-granted']);
  });

  it('says which area', () => {
    const judged = judge(mmapInsideBar, onHost([mmapEvent(0x1000n, SIZE)], mappable));
    expect(judged.violations).toEqual([
      {
        invariant: 'mmap-inside-bar',
        cause: 'beyond-bar',
        step: 0,
        message: 'the mmap of [0x1000, 0x10fff] of BAR 0 of dev0 goes beyond its end',
      },
    ]);
  });

  it('judges every run and every step', () => {
    const judged = trace([{}, { events: [mmapEvent(0n, PAGE, { device: 'dev7' })] }], {
      outcome: 'rejected',
    });
    expect(judge(mmapInsideBar, judged)).toMatchObject({ causes: ['beyond-bar'], violations: [{ step: 1 }] });
  });

  it('has nothing to say where nothing is mmapped', () => {
    expect(saysNothing(mmapInsideBar, onHost([]))).toBe(true);
    expect(saysNothing(mmapInsideBar, onHost([mapEvent(0n, PAGE)]))).toBe(true);
  });
});
