import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import { mapUnmapSymmetric } from './map-unmap-symmetric.ts';
import {
  END,
  PAGE,
  causes,
  container,
  judge,
  mapEvent,
  mapping,
  memslot,
  memslotEvent,
  saysNothing,
  trace,
  traceOfEvents,
  unmapEvent,
} from './testing/index.ts';

type Events = Parameters<typeof traceOfEvents>[0];
const of = (...events: Events) => causes(mapUnmapSymmetric, traceOfEvents(events));
const refused = { errno: Errno.EINVAL };
const nothing = { unmapped: 0n, errno: Errno.ENOENT };

describe('map-unmap-symmetric', () => {
  it('accepts pairs, in any order, again and again, up to the end of the space', () => {
    const events = [
      mapEvent(0n, PAGE),
      mapEvent(PAGE, 2n * PAGE),
      mapEvent(END - PAGE, PAGE),
      unmapEvent(0n, PAGE),
      mapEvent(0n, PAGE),
      unmapEvent(END - PAGE, PAGE),
      unmapEvent(PAGE, 2n * PAGE),
    ];
    expect(judge(mapUnmapSymmetric, traceOfEvents(events))).toMatchObject({ causes: [], exercised: 7 });
  });

  it.each([
    ['the same again', PAGE, PAGE],
    ['its first byte and what lies below', 0n, PAGE + 1n],
    ['its last byte and what lies above', 2n * PAGE - 1n, PAGE],
    ['all of it and more', 0n, 8n * PAGE],
    ['a byte of it', PAGE + 0x10n, 1n],
  ])('reports a map over what is mapped: %s', (_, start, size) => {
    expect(of(mapEvent(PAGE, PAGE), mapEvent(start, size))).toEqual(['overlapping-map']);
    // The answer does not matter: it is the request that is wrong.
    const answered = mapEvent(start, size, { errno: Errno.EEXIST });
    expect(of(mapEvent(PAGE, PAGE), answered)).toEqual(['overlapping-map']);
  });

  it('accepts maps that touch, and maps over what was refused or is gone', () => {
    expect(of(mapEvent(PAGE, PAGE), mapEvent(0n, PAGE), mapEvent(2n * PAGE, PAGE))).toEqual([]);
    expect(of(mapEvent(PAGE, PAGE, refused), mapEvent(PAGE, PAGE))).toEqual([]);
    expect(of(mapEvent(PAGE, PAGE), unmapEvent(PAGE, PAGE), mapEvent(0n, 4n * PAGE))).toEqual([]);
  });

  it.each([
    ['without its last byte', PAGE, PAGE - 1n],
    ['without its first byte', PAGE + 1n, PAGE - 1n],
    ['with a byte before', PAGE - 1n, PAGE + 1n],
    ['with a byte behind', PAGE, PAGE + 1n],
    ['a byte of its middle', PAGE + 8n, 1n],
  ])('reports the unmap of a mapping %s', (_, start, size) => {
    expect(of(mapEvent(PAGE, PAGE), unmapEvent(start, size))).toEqual(['split-mapping']);
  });

  it('reports the unmap of what is not mapped, beside a mapping, too, and twice the same', () => {
    expect(of(unmapEvent(0n, PAGE, nothing))).toEqual(['unmap-of-nothing']);
    expect(of(mapEvent(PAGE, PAGE), unmapEvent(0n, PAGE))).toEqual(['unmap-of-nothing']);
    expect(of(mapEvent(PAGE, PAGE), unmapEvent(2n * PAGE, PAGE))).toEqual(['unmap-of-nothing']);
    expect(of(mapEvent(0n, PAGE), unmapEvent(0n, PAGE), unmapEvent(0n, PAGE))).toEqual(['unmap-of-nothing']);
  });

  it('tells the unmap of what the host had refused from that of what was never asked for', () => {
    expect(of(mapEvent(0n, PAGE, refused), unmapEvent(0n, PAGE))).toEqual(['unmap-after-refused-ram']);
    const device = { ...refused, owner: 'dev0', region: 'dev0 BAR 0 mmaps[0]' };
    expect(of(mapEvent(0n, PAGE, device), unmapEvent(0n, PAGE))).toEqual([
      'unmap-after-refused-device-memory',
    ]);
    for (const other of [unmapEvent(0n, PAGE - 1n), unmapEvent(1n, PAGE - 1n), unmapEvent(0n, PAGE + 1n)]) {
      expect(of(mapEvent(0n, PAGE, refused), other)).toEqual(['unmap-of-nothing']);
    }
  });

  it('keeps a book for each container', () => {
    const [a, b] = [{ container: 'a' }, { container: 'b' }];
    expect(
      of(mapEvent(0n, PAGE, a), mapEvent(0n, PAGE, b), unmapEvent(0n, PAGE, a), unmapEvent(0n, PAGE, b)),
    ).toEqual([]);
    expect(of(mapEvent(0n, PAGE, a), unmapEvent(0n, PAGE, b))).toEqual(['unmap-of-nothing']);
    expect(of(mapEvent(0n, PAGE, { ...a, ...refused }), unmapEvent(0n, PAGE, b))).toEqual([
      'unmap-of-nothing',
    ]);
  });

  it('goes on through all steps and the teardown', () => {
    const steps = [{ events: [mapEvent(0n, PAGE)] }, {}];
    const teardown = (events: Events) => ({ teardown: { events, containers: [] } });
    expect(causes(mapUnmapSymmetric, trace(steps, teardown([unmapEvent(0n, PAGE)])))).toEqual([]);
    const twice = trace(steps, teardown([unmapEvent(0n, PAGE), unmapEvent(0n, PAGE)]));
    expect(judge(mapUnmapSymmetric, twice).violations).toEqual([
      {
        invariant: 'map-unmap-symmetric',
        cause: 'unmap-of-nothing',
        step: 2,
        message: 'container asks to unmap [0x0, 0xfff], where nothing is mapped',
        at: { start: 0n, end: PAGE },
      },
    ]);
    expect(causes(mapUnmapSymmetric, trace(steps, { outcome: 'aborted' }))).toEqual([]);
  });

  it('reports what is left when everything is gone, in any container', () => {
    const containers = [container([]), container([mapping(PAGE, PAGE), mapping(0x8000n, PAGE)], 'dev1')];
    const judged = trace([{}], { teardown: { events: [], containers } });
    expect(judge(mapUnmapSymmetric, judged)).toMatchObject({
      exercised: 2,
      violations: [
        {
          cause: 'left-after-teardown',
          step: 1,
          message: 'dev1 still maps [0x1000, 0x1fff] when everything is gone',
        },
      ],
    });
    const empty = trace([{}], { outcome: 'rejected', teardown: { events: [], containers: [container([])] } });
    expect(judge(mapUnmapSymmetric, empty)).toMatchObject({ causes: [], exercised: 1 });
  });

  it('has nothing to say where nothing is asked for and no container is closed', () => {
    expect(saysNothing(mapUnmapSymmetric, traceOfEvents([]))).toBe(true);
    const others = [memslotEvent(memslot(0n, PAGE)), memslotEvent(memslot(0n, PAGE))];
    expect(saysNothing(mapUnmapSymmetric, traceOfEvents(others))).toBe(true);
  });

  it('forgets a refusal when the range is mapped after all', () => {
    const events = [
      mapEvent(0n, PAGE, { ...refused, owner: 'dev0' }),
      mapEvent(0n, PAGE),
      unmapEvent(0n, PAGE),
      unmapEvent(0n, PAGE),
    ];
    expect(of(...events)).toEqual(['unmap-of-nothing']);
  });

  it('calls only the first unmap after a refusal one', () => {
    const events = [mapEvent(0n, PAGE, refused), unmapEvent(0n, PAGE), unmapEvent(0n, PAGE)];
    expect(of(...events)).toEqual(['unmap-after-refused-ram', 'unmap-of-nothing']);
  });

  it('accepts the unmap of several whole mappings at once', () => {
    expect(of(mapEvent(0n, PAGE), mapEvent(PAGE, PAGE), unmapEvent(0n, 2n * PAGE))).toEqual([]);
  });

  it('reports what a container leaves behind that is closed before the teardown', () => {
    const steps = [{ events: [mapEvent(0n, PAGE, { container: 'dev0' })] }, {}];
    const judged = trace(steps, { teardown: { events: [], containers: [] } });
    expect(causes(mapUnmapSymmetric, judged)).toEqual(['left-after-teardown']);
  });
});
