import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import { mapUnmapSymmetric } from './map-unmap-symmetric.ts';
import {
  END,
  PAGE,
  causes,
  container,
  flat,
  judge,
  mapEvent,
  mapping,
  memslot,
  memslotEvent,
  message,
  region,
  saysNothing,
  state,
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

  it('names the container, the request and what is wrong with it', () => {
    const words = (...events: Events) =>
      judge(mapUnmapSymmetric, traceOfEvents(events)).violations.map(({ message }) => message);
    expect(words(mapEvent(PAGE, PAGE), mapEvent(PAGE, PAGE))).toEqual([
      'container: a request to map [0x1000, 0x1fff] overlaps a mapping',
    ]);
    expect(words(mapEvent(PAGE, PAGE), unmapEvent(0n, 2n * PAGE))).toEqual([
      'container: a request to unmap [0x0, 0x1fff] covers only a part of a mapping, or addresses beside it',
    ]);
    expect(words(mapEvent(PAGE, PAGE, refused), unmapEvent(PAGE, PAGE))).toEqual([
      'container: a request to unmap [0x1000, 0x1fff] follows a map that the host refused',
    ]);
  });

  it.each<
    readonly [
      string,
      readonly (readonly [start: bigint, pages: bigint])[],
      readonly [start: bigint, pages: bigint],
    ]
  >([
    ['the second half of a mapping and as much behind', [[0n, 2n]], [PAGE, 2n]],
    ['the first half of a mapping and as much in front', [[PAGE, 2n]], [0n, 2n]],
    ['one mapping, a gap as long as the rest, and a part of another', [[0n, 1n], [2n * PAGE, 2n]], [0n, 3n]], // prettier-ignore
    ['two mappings and the gap between them', [[0n, 1n], [2n * PAGE, 1n]], [0n, 3n]], // prettier-ignore
  ])('reports one unmap of %s', (_, mapped, [start, pages]) => {
    const maps = mapped.map(([at, count]) => mapEvent(at, count * PAGE));
    expect(of(...maps, unmapEvent(start, pages * PAGE))).toEqual(['split-mapping']);
  });

  it('removes the mappings that one unmap covers, and no others', () => {
    const events = [
      mapEvent(0n, PAGE),
      mapEvent(PAGE, PAGE),
      mapEvent(8n * PAGE, PAGE),
      unmapEvent(0n, 2n * PAGE),
    ];
    expect(of(...events, mapEvent(0n, 2n * PAGE))).toEqual([]);
    expect(of(...events, unmapEvent(0n, 2n * PAGE))).toEqual(['unmap-of-nothing']);
    expect(of(...events, mapEvent(8n * PAGE, PAGE))).toEqual(['overlapping-map']);
    expect(of(...events, unmapEvent(8n * PAGE, PAGE))).toEqual([]);
  });

  it('reports the closed container beside others that are empty', () => {
    const steps = [{ events: [mapEvent(0n, PAGE, { container: 'dev0' })] }, {}];
    const judged = trace(steps, { teardown: { events: [], containers: [container([], 'a')] } });
    expect(judge(mapUnmapSymmetric, judged).violations.map(({ message }) => message)).toEqual([
      'dev0 still maps [0x0, 0xfff] after every device is unplugged',
    ]);
  });

  describe('for the unmap of a whole region of an emulated IOMMU', () => {
    const IOMMU = region('iommu', 'iommu');
    const view = (shown = IOMMU) => state({ flatView: [], dmaView: [flat(PAGE, 2n * PAGE, shown)] });
    const [whole, none] = [unmapEvent(PAGE, 2n * PAGE, nothing), state()];
    const causesOf = (...steps: Parameters<typeof trace>[0]) => causes(mapUnmapSymmetric, trace(steps));

    it('asks for no mapping, if devices saw the region before the step, or from the start on', () => {
      expect(causesOf({ state: view() }, { events: [whole], state: none })).toEqual([]);
      expect(causesOf({ state: view(), events: [whole] })).toEqual([]);
      expect(causesOf({ state: none }, { events: [whole], state: view() })).toEqual(['unmap-of-nothing']);
    });

    it('asks for one for other addresses, and for other regions', () => {
      const after = (event: Events[number], shown = IOMMU) =>
        causesOf({ state: view(shown) }, { events: [event], state: none });
      expect(after(unmapEvent(PAGE, PAGE, nothing))).toEqual(['unmap-of-nothing']);
      expect(after(unmapEvent(2n * PAGE, PAGE, nothing))).toEqual(['unmap-of-nothing']);
      expect(after(whole, region('ram'))).toEqual(['unmap-of-nothing']);
    });

    it('needs a step', () => {
      const judged = trace([], { teardown: { events: [whole], containers: [] } });
      expect(causes(mapUnmapSymmetric, judged)).toEqual(['unmap-of-nothing']);
    });
  });

  describe('for the unmap of RAM of virtio-mem', () => {
    const MEMORY = { ...region('mem'), discards: {} };
    const view = (shown = MEMORY) => state({ flatView: [flat(4n * PAGE, 4n * PAGE, shown)] });
    const block = mapEvent(5n * PAGE, PAGE);
    const after = (event: Events[number], shown = MEMORY) =>
      causes(mapUnmapSymmetric, trace([{ state: view(shown), events: [block] }, { events: [event] }]));

    it('asks for no mapping in each part of the section', () => {
      expect(after(unmapEvent(4n * PAGE, 4n * PAGE))).toEqual([]);
      expect(after(unmapEvent(4n * PAGE, 2n * PAGE))).toEqual([]);
      expect(after(unmapEvent(4n * PAGE, PAGE))).toEqual([]);
    });

    it('asks for mappings everywhere else', () => {
      expect(after(unmapEvent(3n * PAGE, 5n * PAGE))).toEqual(['split-mapping']);
      expect(after(unmapEvent(4n * PAGE, 5n * PAGE))).toEqual(['split-mapping']);
      expect(after(unmapEvent(3n * PAGE, PAGE))).toEqual(['unmap-of-nothing']);
      expect(
        after(unmapEvent(4n * PAGE, 4n * PAGE), { ...region('mem'), discards: undefined } as never),
      ).toEqual(['split-mapping']);
    });

    it('asks for whole mappings', () => {
      expect(after(unmapEvent(4n * PAGE, PAGE + 0x800n))).toEqual(['split-mapping']);
    });
  });
});

describe('map-unmap-symmetric with faults of the host', () => {
  const failed = { ...unmapEvent(0n, PAGE, { unmapped: 0n, errno: Errno.EIO }), injected: true } as const;

  it('asks that a VMM says that an unmap has failed', () => {
    expect(of(mapEvent(0n, PAGE), failed)).toEqual(['failed-unmap-untold']);
    expect(of(mapEvent(0n, PAGE), failed, message())).toEqual([]);
  });

  it('lets the VMM map again what the host has kept, and unmap it after the refusal', () => {
    const again = [mapEvent(0n, PAGE, { errno: Errno.EEXIST }), unmapEvent(0n, PAGE)];
    expect(of(mapEvent(0n, PAGE), failed, message(), ...again)).toEqual([]);
    expect(of(mapEvent(0n, PAGE), unmapEvent(0n, PAGE), ...again)).toEqual(['unmap-after-refused-ram']);
  });

  it('accepts an unmap after a map that a fault has refused', () => {
    const map = { ...mapEvent(0n, PAGE, refused), injected: true } as const;
    expect(of(map, unmapEvent(0n, PAGE, nothing))).toEqual([]);
  });
});
