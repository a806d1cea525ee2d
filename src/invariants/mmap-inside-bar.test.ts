import { describe, expect, it } from 'vitest';
import { hex, offset } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import { mmapInsideBar } from './mmap-inside-bar.ts';
import {
  PAGE,
  PAGE_64K,
  bar,
  causes,
  device,
  flat,
  judge,
  mapEvent,
  mmapEvent,
  region,
  saysNothing,
  scenario,
  state,
  trace,
  traceOfEvents,
  traceOfStates,
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
/** A host that reports one sparse area. */
const named = (offset: bigint, size: bigint): Parts => ({
  bar: { sparse: [{ offset: hex(offset), size: hex(size) }] },
});
const mappable = { host: { kernel: 'msix-mappable' } };

describe('mmap-inside-bar', () => {
  it('accepts the mmap of a whole BAR, and of pieces on host pages', () => {
    const events = [mmapEvent(0n, SIZE), mmapEvent(PAGE, 8n), mmapEvent(SIZE - PAGE, PAGE)];
    expect(judge(mmapInsideBar, onHost(events, mappable))).toMatchObject({ causes: [], exercised: 3 });
  });

  it('reports an area that does not begin on a host page, although the host accepts it', () => {
    expect(of([mmapEvent(1n, PAGE)], mappable)).toEqual(['unaligned']);
    expect(of([mmapEvent(PAGE - 1n, 1n)], mappable)).toEqual(['unaligned']);
    expect(of([mmapEvent(PAGE, PAGE)], { ...mappable, page: PAGE_64K })).toEqual(['unaligned']);
    expect(of([mmapEvent(1n, PAGE, refused)], mappable)).toEqual(['asked-unaligned']);
    expect(of([mmapEvent(1n, PAGE, refused)], { ...mappable, ...named(1n, PAGE) })).toEqual([]);
  });

  it('reports an area beyond the last page of the BAR, although the host accepts it', () => {
    expect(of([mmapEvent(0n, SIZE + 1n)], mappable)).toEqual(['beyond-bar']);
    expect(of([mmapEvent(SIZE - PAGE, PAGE + 1n)], mappable)).toEqual(['beyond-bar']);
    expect(of([mmapEvent(0n, SIZE + 1n, refused)], mappable)).toEqual(['asked-beyond-bar']);
    expect(of([mmapEvent(0n, SIZE + 1n, refused)], { ...mappable, ...named(0n, SIZE + 1n) })).toEqual([]);
    // A capability that places the table beyond the BAR misleads the VMM.
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

  it('reports an area of a BAR that the device does not have', () => {
    expect(of([mmapEvent(0n, PAGE, { bar: 1 })], mappable)).toEqual(['beyond-bar']);
    expect(of([mmapEvent(0n, PAGE, { device: 'dev7' })], mappable)).toEqual(['beyond-bar']);
    expect(of([mmapEvent(0n, PAGE, { bar: 1, ...refused })], mappable)).toEqual([]);
  });

  it.each([
    ['ends where the first page of the table begins', 0n, 0x2000n, false],
    ['ends one byte after that', 0n, 0x2001n, true],
    ['is the last byte of the last page of the table', 0x3fffn, 1n, true],
    ['begins after that page', 0x4000n, 0x4000n, false],
    ['covers all pages of the table', 0n, SIZE, true],
  ])(
    'reports an area that covers a page of the MSI-X table, whose mmap the kernel forbids: one that %s',
    (_, start, size, broken) => {
      // The request is wrong also where the host refuses it.
      const found = of([mmapEvent(start, size, refused)]);
      expect(found.includes('msix-page')).toBe(broken);
    },
  );

  it('rounds the MSI-X table to host pages', () => {
    expect(of([mmapEvent(0n, PAGE)], { page: PAGE_64K })).toEqual(['msix-page']);
    expect(of([mmapEvent(0n, PAGE)])).toEqual([]);
  });

  it.each([
    ['sparse-msix', true],
    ['4.8', true],
    ['4.15', true],
    ['4.16', false],
    ['6.12', false],
    ['msix-mappable', false],
  ])('knows whether the kernel %s forbids the mmap of the MSI-X page', (kernel, forbids) => {
    expect(of([mmapEvent(0n, SIZE, refused)], { host: { kernel } }).includes('msix-page')).toBe(forbids);
  });

  it.each<[string, Parts]>([
    ['the kernel allows it', mappable],
    ['a vendor driver reports sparse areas', named(0n, SIZE)],
    ['the table lies in another BAR', { msix: { tableBar: 2 } }],
  ])('allows an mmap of the MSI-X table where %s', (_, parts) => {
    expect(of([mmapEvent(0n, SIZE)], parts)).toEqual([]);
  });

  it('reports device memory in the flat view on a page whose mmap is forbidden, as no vfio-user server sees an mmap', () => {
    const layers = [{ region: 'dev0 BAR 0 mmaps[0]', offset: 0n as never }];
    const bars = [{ index: 0, type: 'mem32', size: SIZE, address: 0xe000_0000n, layers }];
    const shownAt = (start: bigint, length: bigint, host: object) =>
      causes(mmapInsideBar, {
        ...onHost([], { host: { iommu: { type: 'vfio-user' }, ...host } }),
        steps: traceOfStates([
          state({
            flatView: [
              flat(0xe000_0000n + start, length, region(layers[0]!.region, 'ram-device', 'dev0'), {
                offset: start,
              }),
            ],
            devices: [{ id: 'dev0', bars: bars as never, msix: undefined }],
          }),
        ]).steps,
      });
    expect(shownAt(0x1000n, PAGE, {})).toEqual([]);
    expect(shownAt(0n, SIZE, {})).toEqual(['msix-page']);
    expect(shownAt(0x3018n, PAGE, {})).toEqual(['msix-page']);
    expect(shownAt(0n, SIZE, { kernel: 'msix-mappable' })).toEqual([]);
  });

  it('allows an mmap of other BARs, and of devices without MSI-X', () => {
    expect(of([mmapEvent(0n, SIZE, { bar: 2 }), mmapEvent(0n, SIZE, { device: 'dev1' })])).toEqual([]);
  });

  it('requires every area to be inside a sparse area of the host, where the host reports any', () => {
    const one = { ...mappable, ...named(PAGE, 2n * PAGE) };
    expect(of([mmapEvent(PAGE, 2n * PAGE), mmapEvent(2n * PAGE, PAGE)], one)).toEqual([]);
    expect(of([mmapEvent(0n, 2n * PAGE)], one)).toEqual(['not-granted']);
    expect(of([mmapEvent(PAGE, 3n * PAGE, refused)], one)).toEqual(['not-granted']);
    expect(of([mmapEvent(0n, PAGE)], { ...mappable, bar: { sparse: [] } })).toEqual(['not-granted']);
  });

  it('names the area', () => {
    const judged = judge(mmapInsideBar, onHost([mmapEvent(0x1000n, SIZE)], mappable));
    expect(judged.violations).toEqual([
      {
        invariant: 'mmap-inside-bar',
        cause: 'beyond-bar',
        step: 0,
        message: 'the mmap of [0x1000, 0x10fff] of BAR 0 of dev0 extends beyond the end of the BAR',
      },
    ]);
  });

  it('checks every step of runs with every outcome', () => {
    const judged = trace([{}, { events: [mmapEvent(0n, PAGE, { device: 'dev7' })] }], {
      outcome: 'rejected',
    });
    expect(judge(mmapInsideBar, judged)).toMatchObject({ causes: ['beyond-bar'], violations: [{ step: 1 }] });
  });

  it('checks nothing without an mmap', () => {
    expect(saysNothing(mmapInsideBar, onHost([]))).toBe(true);
    expect(saysNothing(mmapInsideBar, onHost([mapEvent(0n, PAGE)]))).toBe(true);
  });
});

describe('mmap-inside-bar for areas that the VMM should leave out', () => {
  it('reports a BAR that the host does not let be mmapped', () => {
    expect(of([mmapEvent(0n, PAGE)], { bar: { mmap: false } })).toContain('not-offered');
    expect(of([mmapEvent(0n, PAGE)])).not.toContain('not-offered');
  });

  it('reports an mmap against x-no-mmap', () => {
    const excluded = (noMmap: boolean) =>
      causes(mmapInsideBar, {
        ...onHost([mmapEvent(0n, PAGE)]),
        scenario: scenario({
          devices: [
            {
              id: 'dev0',
              bars: [{ index: 0, size: '0x10000', type: 'mem32' }],
              options: { 'x-no-mmap': noMmap },
            },
          ],
        }),
      });
    expect(excluded(false)).toEqual([]);
    expect(excluded(true)).toEqual(['against-user']);
  });

  it('reports an area that is shown at another offset than its own', () => {
    const shown = (at: bigint) => of([{ ...mmapEvent(0n, PAGE), shownAt: offset(at) }]);
    expect(shown(0n)).toEqual([]);
    expect(shown(PAGE)).toEqual(['shown-elsewhere']);
  });

  it('reports an mmap of ports', () => {
    expect(
      of([mmapEvent(0n, PAGE)], { bar: { type: 'io', mmap: true, size: '0x20' }, msix: { tableBar: 2 } }),
    ).toContain('not-offered');
  });

  it('says of each area what is wrong with it', () => {
    const words = (events: Events, parts: Parts) =>
      judge(mmapInsideBar, onHost(events, parts)).violations.map(({ message }) =>
        message.replace(/^.* of dev0 /, ''),
      );
    const shown = [{ ...mmapEvent(0n, PAGE), shownAt: offset(PAGE) }];
    expect(words(shown, mappable)).toEqual(['is shown at 0x1000, where the guest expects other bytes']);
    expect(words([mmapEvent(0n, PAGE)], { ...mappable, bar: { mmap: false } })).toEqual([
      'is of a BAR that the host does not let be mmapped',
    ]);
    expect(words([mmapEvent(1n, PAGE)], mappable)).toEqual(['does not begin on a host page']);
    expect(words([mmapEvent(1n, PAGE, refused)], mappable)).toEqual(['does not begin on a host page']);
    expect(words([mmapEvent(0n, SIZE + 1n, refused)], mappable)).toEqual([
      'extends beyond the end of the BAR',
    ]);
    expect(words([mmapEvent(0n, 2n * PAGE)], { ...mappable, ...named(PAGE, 2n * PAGE) })).toEqual([
      'is in none of the sparse areas that the host reports',
    ]);
    expect(words([mmapEvent(0x3000n, PAGE)], {})).toEqual([
      'covers a page of the MSI-X table, whose mmap the kernel forbids',
    ]);
    const user = {
      ...onHost([mmapEvent(0n, PAGE)], mappable),
      scenario: scenario({
        devices: [
          {
            id: 'dev0',
            bars: [{ index: 0, size: '0x10000', type: 'mem32' }],
            options: { 'x-no-mmap': true },
          },
        ],
      }),
    };
    expect(judge(mmapInsideBar, user).violations[0]!.message).toMatch(
      /dev0 goes against x-no-mmap of the user$/,
    );
  });

  it('knows the page of a table in a BAR that the device does not have', () => {
    expect(of([mmapEvent(0x2000n, PAGE, { bar: 1 })], { msix: { tableBar: 1 } })).toEqual([
      'beyond-bar',
      'msix-page',
    ]);
  });

  it('accepts a refusal of an area that ends with the BAR', () => {
    expect(of([mmapEvent(0n, SIZE, refused)], mappable)).toEqual([]);
  });

  it('is misled by a table beyond the end of this BAR alone', () => {
    const beyond = mmapEvent(0n, 2n * SIZE, refused);
    const asked = (msix: object) => of([beyond], { ...mappable, msix });
    expect(asked({ tableOffset: '0x10000' })).toEqual([]);
    expect(asked({ tableOffset: '0x10000', tableBar: 2 })).toEqual(['asked-beyond-bar']);
    expect(asked({ tableOffset: '0xffe0' })).toEqual(['asked-beyond-bar']);
    expect(asked({ tableOffset: '0xffe8' })).toEqual([]);
    expect(of([mmapEvent(0n, 2n * SIZE, { device: 'dev1', ...refused })])).toEqual(['asked-beyond-bar']);
  });
});

describe('mmap-inside-bar for a BAR that the host offers read-only', () => {
  it('accepts an mmap for reading alone', () => {
    const parts = { ...mappable, bar: { writable: false } };
    const [writable, readonly] = [mmapEvent(0n, SIZE), { ...mmapEvent(0n, SIZE), writable: false as const }];
    expect(of([readonly], parts)).toEqual([]);
    expect(judge(mmapInsideBar, onHost([writable], parts)).violations).toMatchObject([
      {
        cause: 'not-writable',
        message:
          'the mmap of [0x0, 0xffff] of BAR 0 of dev0 is to be written, although the host offers the BAR read-only',
      },
    ]);
    expect(of([writable, readonly], mappable)).toEqual([]);
  });
});

describe('mmap-inside-bar for device memory in the flat view', () => {
  const AT = 0xe000_0000n;
  const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
  const PLUGGED = device([bar(0, SIZE, { address: AT })]);
  const OTHER = device([bar(0, SIZE, { device: 'dev1' })], undefined, { id: 'dev1' });
  const shown = (devices: readonly ReturnType<typeof device>[], more: object = {}) =>
    judge(mmapInsideBar, {
      ...onHost([]),
      steps: traceOfStates([state({ flatView: [flat(AT, SIZE, MMAP)], devices })]).steps,
      ...more,
    });
  const bars = [{ index: 0, size: '0x10000', type: 'mem32' }];
  const msix = { vectors: 2, tableBar: 0, tableOffset: '0x2ff8', pbaBar: 0, pbaOffset: '0x8000' };
  const of = (...devices: readonly object[]) => ({
    scenario: scenario({ host: { kernel: 'sparse-msix' }, devices }),
  });

  it('names the bytes, the BAR and the device', () => {
    expect(shown([PLUGGED])).toMatchObject({
      exercised: 1,
      violations: [
        {
          cause: 'msix-page',
          message:
            '[0xe0000000, 0xe000ffff] "dev0 BAR 0 mmaps[0]" shows [0x2000, 0x3fff] of BAR 0 of dev0, ' +
            'a page of the MSI-X table, whose mmap the kernel forbids',
          at: { start: AT, end: AT + SIZE },
        },
      ],
    });
  });

  it('reports memory beyond the last page of the BAR, and accepts the rest of that page', () => {
    const small = (size: bigint, page: bigint) =>
      shown([device([bar(0, SIZE, { address: AT })])], {
        ...of({ id: 'dev0', bars: [{ ...bars[0], size: hex(size) }] }),
        pages: { ...onHost([]).pages, host: page },
      });
    expect(small(SIZE / 2n, PAGE).violations).toMatchObject([
      {
        cause: 'shown-beyond-bar',
        message:
          '[0xe0000000, 0xe000ffff] "dev0 BAR 0 mmaps[0]" shows [0x0, 0xffff] of BAR 0 of dev0, beyond the last page of ' +
          'the BAR: what lies there is memory of the VMM',
        at: { start: AT, end: AT + SIZE },
      },
    ]);
    expect(small(SIZE / 2n, PAGE_64K).causes).toEqual([]);
    expect(small(SIZE - PAGE, PAGE).causes).toEqual(['shown-beyond-bar']);
    expect(small(SIZE, PAGE).causes).toEqual([]);
  });

  it('looks at the device and the BAR that own the memory', () => {
    expect(shown([OTHER, PLUGGED]).causes).toEqual(['msix-page']);
    expect(shown([PLUGGED], of({ id: 'dev1', bars }, { id: 'dev0', bars, msix })).causes).toEqual([
      'msix-page',
    ]);
    const two = [{ ...bars[0], index: 2 }, bars[0]];
    expect(shown([PLUGGED], of({ id: 'dev0', bars: two, msix })).causes).toEqual(['msix-page']);
  });

  it('says nothing of a device that is gone, or that the scenario does not have', () => {
    const nothing = { causes: [], exercised: 0 };
    expect(shown([])).toMatchObject(nothing);
    expect(shown([device([bar(0, SIZE, { address: AT, layers: [] })])])).toMatchObject(nothing);
    expect(shown([PLUGGED], of())).toMatchObject(nothing);
    expect(shown([PLUGGED], of({ id: 'dev0', bars: [], msix }))).toMatchObject(nothing);
  });
});
