import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import {
  PAGE,
  causes,
  container,
  flat,
  judge,
  mapEvent,
  region,
  saysNothing,
  scenario,
  state,
  trace,
  traceOfEvents,
  windowEvent,
} from './testing/index.ts';
import { windowLimit } from './window-limit.ts';

type Events = Parameters<typeof traceOfEvents>[0];

const onSpapr = (maxWindows?: number) =>
  scenario({
    machine: { type: 'pseries' },
    host: { iommu: { type: 'spapr-tce-v2', ...(maxWindows !== undefined && { maxWindows }) } },
  });
const of = (events: Events, maxWindows?: number) =>
  causes(windowLimit, traceOfEvents(events, { scenario: onSpapr(maxWindows) }));

const SIZE = 1n << 30n;
const make = (number: bigint, more: object = {}) => windowEvent('window-create', number * SIZE, SIZE, more);
const remove = (number: bigint, more: object = {}) => windowEvent('window-remove', number * SIZE, SIZE, more);

describe('window-limit', () => {
  it('accepts as many windows as the host has, two by default', () => {
    const judged = traceOfEvents([make(0n), make(1n)], { scenario: onSpapr() });
    expect(judge(windowLimit, judged)).toMatchObject({ causes: [], exercised: 2 });
    expect(of([make(0n), make(1n), make(2n)])).toEqual(['too-many-windows']);
    expect(of([make(0n)], 1)).toEqual([]);
    expect(of([make(0n), make(1n)], 1)).toEqual(['too-many-windows']);
    expect(of([make(0n), make(1n), make(2n)], 3)).toEqual([]);
  });

  it('reports a window with a page that the host does not offer', () => {
    const host = { iommu: { type: 'spapr-tce-v2', pageSizes: ['0x1000', '0x1000000'] } };
    const on = scenario({ machine: { type: 'pseries', hostPageSize: '0x10000' }, host });
    const asked = (pageSize: bigint) =>
      causes(windowLimit, traceOfEvents([{ ...make(0n), pageSize }], { scenario: on }));
    expect([0x1000n].flatMap(asked)).toEqual([]);
    expect([0x1_0000n, 0x100_0000n].flatMap(asked)).toEqual(['page-too-large', 'page-too-large']);
    expect([0x2000n, 1n << 63n].flatMap(asked)).toEqual(['page-not-offered', 'page-not-offered']);
  });

  it('counts the windows that exist at a time', () => {
    expect(of([make(0n), make(1n), remove(0n), make(2n)])).toEqual([]);
    expect(of([make(0n), make(1n), remove(7n), make(2n)])).toEqual(['too-many-windows']);
    expect(of([remove(0n), remove(0n), make(0n), make(1n)])).toEqual([]);
  });

  it('counts the windows of each container', () => {
    const other = { container: 'another' };
    expect(of([make(0n), make(1n), make(0n, other), make(1n, other)])).toEqual([]);
    expect(of([make(0n), make(1n), remove(0n, other), make(2n)])).toEqual(['too-many-windows']);
  });

  it('reports a refused window and does not count it', () => {
    const refused = make(0n, { errno: Errno.ENOSPC });
    expect(of([refused])).toEqual(['too-many-windows']);
    expect(of([make(0n), make(1n), remove(1n), make(2n)])).toEqual([]);
    const judged = traceOfEvents([make(1n), refused], { scenario: onSpapr() });
    expect(judge(windowLimit, judged).violations[0]!.message).toBe(
      'a DMA window for RAM is requested at [0x0, 0x3fffffff], and the host answers ENOSPC',
    );
  });

  it('reports a window for device memory, granted or refused', () => {
    const mmio = make(0n, { deviceMemory: true });
    expect(of([mmio])).toEqual(['window-for-mmio']);
    expect(of([{ ...mmio, errno: Errno.EINVAL }])).toEqual(['window-for-mmio']);
    expect(of([make(0n), make(1n), make(2n, { deviceMemory: true })])).toEqual(['window-for-mmio']);
    // Such a window counts against the limit too.
    expect(of([mmio, make(1n), make(2n)])).toEqual(['window-for-mmio', 'too-many-windows']);
    const judged = traceOfEvents([mmio], { scenario: onSpapr() });
    expect(judge(windowLimit, judged).violations[0]!.message).toBe(
      'a DMA window for device memory is requested at [0x0, 0x3fffffff]',
    );
  });

  it('counts through all steps and the teardown, after every outcome', () => {
    const open = state({ containers: [container([])] });
    const steps = [{ events: [make(0n)], state: open }, { events: [make(1n)] }, { events: [make(2n)] }];
    for (const outcome of ['aborted', 'rejected'] as const) {
      expect(judge(windowLimit, trace(steps, { scenario: onSpapr(), outcome })).violations).toMatchObject([
        { cause: 'too-many-windows', step: 2 },
      ]);
    }
    const teardown = { events: [make(0n, { deviceMemory: true })], containers: [] };
    expect(judge(windowLimit, trace([{}], { scenario: onSpapr(), teardown })).violations).toMatchObject([
      { step: 1 },
    ]);
  });

  it('checks nothing on other hosts, and without a window', () => {
    expect(saysNothing(windowLimit, traceOfEvents([make(0n, { deviceMemory: true })]))).toBe(true);
    const others = traceOfEvents([remove(0n), mapEvent(0n, PAGE)], { scenario: onSpapr() });
    expect(saysNothing(windowLimit, others)).toBe(true);
  });

  it('distinguishes a refused request from one beyond the limit', () => {
    expect(of([make(0n, { errno: Errno.EINVAL })])).not.toEqual(of([make(0n, { errno: Errno.ENOSPC })]));
  });

  it('reports a DMA mapping outside the apertures', () => {
    const apertures = [
      { start: '0x0', end: '0xfedfffff' },
      { start: '0xfef00000', end: '0x7fffffffff' },
    ];
    const host = { iommu: { type: 'type1', pageSizes: ['0x1000'], apertures } };
    const of = (start: bigint, size: bigint, more: object = {}) =>
      causes(windowLimit, traceOfEvents([mapEvent(start, size, more)], { scenario: scenario({ host }) }));
    expect(of(0xfedf_f000n, PAGE)).toEqual([]);
    expect(of(0xfedf_f000n, 2n * PAGE)).toEqual(['ram-outside-aperture']);
    expect(of(0xfee0_0000n, PAGE)).toEqual(['ram-outside-aperture']);
    expect(of(0n, 0x1_0000_0000n)).toEqual(['ram-outside-aperture']);
    expect(of(1n << 39n, PAGE, { owner: 'dev0' })).toEqual(['device-memory-outside-aperture']);
    expect(of(1n << 39n, PAGE, { errno: Errno.EINVAL })).toEqual([]);
  });

  it('names the request and the mapping', () => {
    const words = (events: Events, on = onSpapr()) =>
      judge(windowLimit, traceOfEvents(events, { scenario: on })).violations.map(({ cause, message }) => [
        cause,
        message,
      ]);
    expect(words([{ ...make(0n), pageSize: 0x2000n }])).toEqual([
      [
        'page-not-offered',
        'a DMA window [0x0, 0x3fffffff] is requested with pages of 0x2000, which the host does not offer',
      ],
    ]);
    expect(words([make(0n, { errno: Errno.EINVAL })])).toEqual([
      [
        'refused-window',
        'a DMA window for RAM is requested at [0x0, 0x3fffffff], and the host answers EINVAL',
      ],
    ]);
    const apertures = [{ start: '0x0', end: '0xfff' }];
    const on = scenario({ host: { iommu: { type: 'type1', pageSizes: ['0x1000'], apertures } } });
    expect(words([mapEvent(PAGE, PAGE)], on)).toEqual([
      ['ram-outside-aperture', '"ram" is DMA-mapped at [0x1000, 0x1fff], outside the apertures of the IOMMU'],
    ]);
    expect(judge(windowLimit, traceOfEvents([mapEvent(0n, PAGE)], { scenario: on })).exercised).toBe(1);
    // A window on a host that has none of its own is another rule's.
    expect(words([make(0n), remove(0n)], on)).toEqual([]);
  });

  it('counts a window until its removal, and not by other events at its addresses', () => {
    const skip = {
      ...{ type: 'skip', container: 'container', reason: 'unaligned', start: 0n, size: SIZE, region: 'x' },
      deviceMemory: true,
    } as unknown as Events[number];
    expect(of([make(0n), make(1n), skip, make(2n)])).toEqual(['too-many-windows']);
  });

  it('does not count a window that the host has refused', () => {
    expect(of([make(0n), make(1n, { errno: Errno.EINVAL }), make(2n)])).toEqual(['refused-window']);
  });
});

describe('window-limit for the windows of the guest', () => {
  const SECOND = 1n << 59n;
  const first = flat(0n, SIZE, region('tce-iommu-80000000', 'iommu'));
  const second = flat(SECOND, 4n * SIZE, region('tce-iommu-80000001', 'iommu'));
  const showing = (dmaView: readonly (typeof first)[], open = ['container']) =>
    state({ dmaView, containers: open.map((name) => container([], name)) });
  const after = (events: Events, shown = showing([first])) =>
    trace([{ events, state: shown }], { scenario: onSpapr() });
  const at = (start: bigint, size: bigint, more: Parameters<typeof windowEvent>[3] = {}) =>
    windowEvent('window-create', start, size, more);

  it('accepts windows that cover them, of one piece or of several', () => {
    expect(judge(windowLimit, after([make(0n)]))).toMatchObject({ causes: [], exercised: 2 });
    expect(causes(windowLimit, after([at(0n, 2n * SIZE)]))).toEqual([]);
    expect(causes(windowLimit, after([at(0n, SIZE / 2n), at(SIZE / 2n, SIZE / 2n)]))).toEqual([]);
    expect(causes(windowLimit, after([make(0n), at(SECOND, 4n * SIZE)], showing([first, second])))).toEqual(
      [],
    );
  });

  it('reports what no window of the host covers', () => {
    expect(judge(windowLimit, after([at(0n, SIZE / 2n)])).violations).toMatchObject([
      {
        cause: 'window-too-short',
        message:
          'container has no DMA window on the host for [0x20000000, 0x3fffffff] of the guest\'s [0x0, 0x3fffffff] "tce-iommu-80000000"',
        at: { start: SIZE / 2n, end: SIZE },
      },
    ]);
    expect(causes(windowLimit, after([]))).toEqual(['window-too-short']);
    expect(causes(windowLimit, after([make(0n)], showing([first, second])))).toEqual(['window-too-short']);
    expect(causes(windowLimit, after([make(0n), remove(0n)]))).toEqual(['window-too-short']);
    const other = { container: 'another' };
    const both = showing([first], ['container', 'another']);
    expect(causes(windowLimit, after([make(0n)], both))).toEqual(['window-too-short']);
    expect(causes(windowLimit, after([make(0n), make(0n, other)], both))).toEqual([]);
  });

  it('asks for no window without a container, for other regions, and after a refusal', () => {
    expect(causes(windowLimit, after([], showing([first], [])))).toEqual([]);
    expect(causes(windowLimit, after([], showing([flat(0n, SIZE, region('msi', 'io'))])))).toEqual([]);
    expect(causes(windowLimit, after([make(0n, { errno: Errno.EINVAL })]))).toEqual(['refused-window']);
  });

  it('forgets the windows of a container that is closed', () => {
    const closed = trace(
      [
        { events: [make(0n)], state: showing([first]) },
        { state: showing([first], []) },
        { state: showing([first]) },
      ],
      { scenario: onSpapr() },
    );
    expect(judge(windowLimit, closed).violations).toMatchObject([{ cause: 'window-too-short', step: 2 }]);
  });

  it('asks for no window of a part of a host page', () => {
    const short = flat(0x800n, PAGE, region('tce-iommu-80000000', 'iommu'));
    expect(causes(windowLimit, after([], showing([short])))).toEqual([]);
  });

  it('reports a window with larger pages than the guest maps', () => {
    const on = scenario({
      machine: { type: 'pseries', hostPageSize: '0x10000' },
      host: { iommu: { type: 'spapr-tce-v2', pageSizes: ['0x1000', '0x10000'] } },
      operations: [
        { op: 'create-dma-window', pageSize: '0x10000', size: '0x40000000' },
        { op: 'reset' },
        { op: 'create-dma-window', pageSize: '0x1000', size: '0x40000000' },
      ],
    });
    const asked = (step: number, start: bigint, pageSize: bigint) => {
      const plain = trace(
        [0, 1, 2, 3].map((index) => ({ events: index === step ? [at(start, SIZE, { pageSize })] : [] })),
        { scenario: on },
      );
      const operations = [{ op: 'start' } as const, ...on.operations];
      const steps = plain.steps.map((one, index) => ({ ...one, operation: operations[index]! }));
      return judge(windowLimit, { ...plain, steps }).violations.map(
        ({ cause, message }) => `${cause}: ${message}`,
      );
    };
    expect(asked(0, 0n, PAGE)).toEqual([]);
    expect(asked(0, 0n, 0x1_0000n)).toEqual([
      'page-too-large: a DMA window [0x0, 0x3fffffff] is requested with pages of 0x10000, and the guest maps pages of 0x1000',
    ]);
    expect(asked(1, SECOND, 0x1_0000n)).toEqual([]);
    // The guest has asked for no such window.
    expect(asked(2, SECOND, 0x1_0000n)).toEqual([]);
    expect(asked(3, SECOND, 0x1_0000n)).toHaveLength(1);
    expect(asked(3, SECOND, PAGE)).toEqual([]);
  });
});
