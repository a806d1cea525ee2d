import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import {
  PAGE,
  causes,
  judge,
  mapEvent,
  saysNothing,
  scenario,
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
    expect([0x1000n, 0x1_0000n, 0x100_0000n].flatMap(asked)).toEqual([]);
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
    const steps = [{ events: [make(0n)] }, { events: [make(1n)] }, { events: [make(2n)] }];
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
