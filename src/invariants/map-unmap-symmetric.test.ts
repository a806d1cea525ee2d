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
  it('accepts pairs of map and unmap, in any order, repeatedly, up to the end of the address space', () => {
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
    ['the same range', PAGE, PAGE],
    ['its first byte and addresses below', 0n, PAGE + 1n],
    ['its last byte and addresses above', 2n * PAGE - 1n, PAGE],
    ['the whole mapping and more', 0n, 8n * PAGE],
    ['one byte of the mapping', PAGE + 0x10n, 1n],
  ])('reports a map that overlaps a mapping: %s', (_, start, size) => {
    expect(of(mapEvent(PAGE, PAGE), mapEvent(start, size))).toEqual(['overlapping-map']);
    // The request is wrong even if the host refuses it, too.
    const answered = mapEvent(start, size, { errno: Errno.EEXIST });
    expect(of(mapEvent(PAGE, PAGE), answered)).toEqual(['overlapping-map']);
  });

  it('accepts maps that touch, and maps over refused and unmapped ranges', () => {
    expect(of(mapEvent(PAGE, PAGE), mapEvent(0n, PAGE), mapEvent(2n * PAGE, PAGE))).toEqual([]);
    expect(of(mapEvent(PAGE, PAGE, refused), mapEvent(PAGE, PAGE))).toEqual([]);
    expect(of(mapEvent(PAGE, PAGE), unmapEvent(PAGE, PAGE), mapEvent(0n, 4n * PAGE))).toEqual([]);
  });

  it.each([
    ['without its last byte', PAGE, PAGE - 1n],
    ['without its first byte', PAGE + 1n, PAGE - 1n],
    ['with a byte before', PAGE - 1n, PAGE + 1n],
    ['with a byte after', PAGE, PAGE + 1n],
    ['by one byte in its middle', PAGE + 8n, 1n],
  ])('reports the unmap of a mapping %s', (_, start, size) => {
    expect(of(mapEvent(PAGE, PAGE), unmapEvent(start, size))).toEqual(['split-mapping']);
  });

  it('reports the unmap of an unmapped range, also beside a mapping and after an unmap of the same range', () => {
    expect(of(unmapEvent(0n, PAGE, nothing))).toEqual(['unmap-of-nothing']);
    expect(of(mapEvent(PAGE, PAGE), unmapEvent(0n, PAGE))).toEqual(['unmap-of-nothing']);
    expect(of(mapEvent(PAGE, PAGE), unmapEvent(2n * PAGE, PAGE))).toEqual(['unmap-of-nothing']);
    expect(of(mapEvent(0n, PAGE), unmapEvent(0n, PAGE), unmapEvent(0n, PAGE))).toEqual(['unmap-of-nothing']);
  });

  it('distinguishes the unmap of a refused range from that of a range that was never requested', () => {
    expect(of(mapEvent(0n, PAGE, refused), unmapEvent(0n, PAGE))).toEqual(['unmap-after-refused-ram']);
    const device = { ...refused, owner: 'dev0', region: 'dev0 BAR 0 mmaps[0]' };
    expect(of(mapEvent(0n, PAGE, device), unmapEvent(0n, PAGE))).toEqual([
      'unmap-after-refused-device-memory',
    ]);
    for (const other of [unmapEvent(0n, PAGE - 1n), unmapEvent(1n, PAGE - 1n), unmapEvent(0n, PAGE + 1n)]) {
      expect(of(mapEvent(0n, PAGE, refused), other)).toEqual(['unmap-of-nothing']);
    }
  });

  it('keeps the mappings of each container apart', () => {
    const [a, b] = [{ container: 'a' }, { container: 'b' }];
    expect(
      of(mapEvent(0n, PAGE, a), mapEvent(0n, PAGE, b), unmapEvent(0n, PAGE, a), unmapEvent(0n, PAGE, b)),
    ).toEqual([]);
    expect(of(mapEvent(0n, PAGE, a), unmapEvent(0n, PAGE, b))).toEqual(['unmap-of-nothing']);
    expect(of(mapEvent(0n, PAGE, { ...a, ...refused }), unmapEvent(0n, PAGE, b))).toEqual([
      'unmap-of-nothing',
    ]);
  });

  it('follows the requests of all steps and of the teardown', () => {
    const steps = [{ events: [mapEvent(0n, PAGE)] }, {}];
    const teardown = (events: Events) => ({ teardown: { events, containers: [] } });
    expect(causes(mapUnmapSymmetric, trace(steps, teardown([unmapEvent(0n, PAGE)])))).toEqual([]);
    const twice = trace(steps, teardown([unmapEvent(0n, PAGE), unmapEvent(0n, PAGE)]));
    expect(judge(mapUnmapSymmetric, twice).violations).toEqual([
      {
        invariant: 'map-unmap-symmetric',
        cause: 'unmap-of-nothing',
        step: 2,
        message: 'container: a request to unmap [0x0, 0xfff] covers no mapping',
        at: { start: 0n, end: PAGE },
      },
    ]);
    expect(causes(mapUnmapSymmetric, trace(steps, { outcome: 'aborted' }))).toEqual([]);
  });

  it('reports a mapping that is left after the teardown, in any container', () => {
    const containers = [container([]), container([mapping(PAGE, PAGE), mapping(0x8000n, PAGE)], 'dev1')];
    const judged = trace([{}], { teardown: { events: [], containers } });
    expect(judge(mapUnmapSymmetric, judged)).toMatchObject({
      exercised: 2,
      violations: [
        {
          cause: 'left-after-teardown',
          step: 1,
          message: 'dev1 still maps [0x1000, 0x1fff] after every device is unplugged',
        },
      ],
    });
    const empty = trace([{}], { outcome: 'rejected', teardown: { events: [], containers: [container([])] } });
    expect(judge(mapUnmapSymmetric, empty)).toMatchObject({ causes: [], exercised: 1 });
  });

  it('checks nothing without requests and without a closed container', () => {
    expect(saysNothing(mapUnmapSymmetric, traceOfEvents([]))).toBe(true);
    const others = [memslotEvent(memslot(0n, PAGE)), memslotEvent(memslot(0n, PAGE))];
    expect(saysNothing(mapUnmapSymmetric, traceOfEvents(others))).toBe(true);
  });

  it('forgets a refusal when the same range is mapped later', () => {
    const events = [
      mapEvent(0n, PAGE, { ...refused, owner: 'dev0' }),
      mapEvent(0n, PAGE),
      unmapEvent(0n, PAGE),
      unmapEvent(0n, PAGE),
    ];
    expect(of(...events)).toEqual(['unmap-of-nothing']);
  });

  it('lets a refusal explain only the first unmap after it', () => {
    const events = [mapEvent(0n, PAGE, refused), unmapEvent(0n, PAGE), unmapEvent(0n, PAGE)];
    expect(of(...events)).toEqual(['unmap-after-refused-ram', 'unmap-of-nothing']);
  });

  it('accepts one unmap of several whole mappings', () => {
    expect(of(mapEvent(0n, PAGE), mapEvent(PAGE, PAGE), unmapEvent(0n, 2n * PAGE))).toEqual([]);
  });

  it('reports a mapping that is left in a container closed before the teardown', () => {
    const steps = [{ events: [mapEvent(0n, PAGE, { container: 'dev0' })] }, {}];
    const judged = trace(steps, { teardown: { events: [], containers: [] } });
    expect(causes(mapUnmapSymmetric, judged)).toEqual(['left-after-teardown']);
  });
});
