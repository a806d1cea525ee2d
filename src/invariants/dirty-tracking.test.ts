import { describe, expect, it } from 'vitest';
import type { VmmEvent } from '../vfio/index.ts';
import { mapMatchesView } from './map-matches-view.ts';
import { PAGE, container, flat, judge, mapping, region, state, trace } from './testing/index.ts';

const [GIB, TOP] = [1n << 30n, 1n << 45n];
const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
const VIEW = [flat(0n, GIB), flat(4n * GIB, GIB, undefined, { offset: GIB }), flat(TOP, PAGE, MMAP)];
const MAPPINGS = [
  mapping(0n, GIB),
  mapping(4n * GIB, GIB, { offset: GIB }),
  mapping(TOP, PAGE, { region: MMAP.name, owner: 'dev0' }),
];
type Ranges = readonly (readonly [bigint, bigint])[];
const [LOW, HIGH, BARS] = [
  [0n, GIB],
  [4n * GIB, 5n * GIB],
  [TOP, TOP + PAGE],
] as const;

function found(ranges: Ranges, view = VIEW, mappings = MAPPINGS): readonly string[] {
  const event: VmmEvent = {
    type: 'dirty-tracking',
    container: 'container',
    ranges: ranges.map(([start, end]) => ({ start, end })),
  };
  const seen = state({ flatView: view, containers: [container(mappings)] });
  return judge(mapMatchesView, trace([{ state: seen }, { events: [event] }])).violations.map(
    ({ cause, step, message }) => `${step} ${cause}: ${message}`,
  );
}

describe('map-matches-view when a migration begins', () => {
  it('accepts ranges with all RAM that is mapped, and BARs in a range of their own or none', () => {
    expect(found([LOW, HIGH, BARS])).toEqual([]);
    expect(found([LOW, HIGH])).toEqual([]);
    expect(found([[0n, GIB / 2n], [GIB / 2n, GIB], HIGH])).toEqual([]);
  });

  it('reports the first mapping of RAM that no range has, or not all of it', () => {
    const lost = (start: string, end: string) => [
      `1 not-tracked: a migration begins, and the devices of container do not log what they write to [${start}, ${end}]`,
    ];
    expect(found([])).toEqual(lost('0x0', '0x3fffffff'));
    expect(found([LOW, BARS])).toEqual(lost('0x100000000', '0x13fffffff'));
    expect(found([LOW, [4n * GIB, 5n * GIB - PAGE]])).toEqual(lost('0x13ffff000', '0x13fffffff'));
    const rom = [mapping(0n, GIB, { readonly: true })];
    expect(found([], [flat(0n, GIB, undefined, { readonly: true })], rom)).toEqual([]);
  });

  it('reports a range with RAM above 4 GiB and the gap before BARs', () => {
    const gap = [
      '1 tracked-gap: a migration begins, and the devices of container are to log [0x100000000, 0x200000000fff], although ' +
        'RAM above 4 GiB lies at [0x100000000, 0x13fffffff] alone',
    ];
    expect(found([LOW, [4n * GIB, TOP + PAGE]])).toEqual(gap);
    // RAM between two BARs has a range of its own.
    expect(found([LOW, HIGH, [4n * GIB - PAGE, TOP + PAGE]])).toEqual([]);
    expect(found([[0n, TOP + PAGE]])).toHaveLength(1);
    const [below] = VIEW;
    expect(found([[0n, TOP]], [below!], [MAPPINGS[0]!])).toEqual([]);
  });

  it('says nothing of gaps behind an emulated IOMMU', () => {
    const view = [...VIEW, flat(TOP + PAGE, PAGE, region('tce-iommu', 'iommu'))];
    expect(found([LOW, [4n * GIB, TOP + PAGE]], view)).toEqual([]);
  });

  describe('tells RAM above 4 GiB from what else lies there', () => {
    const G = (count: bigint) => count * GIB;
    const gaps = (view: typeof VIEW, ...ranges: readonly (readonly [bigint, bigint])[]) =>
      found(ranges, view, []).map((line) => line.split(':')[0]);
    const high = flat(G(4n), GIB, undefined, { offset: GIB });

    it('as ROM and memory of a device', () => {
      const rom = flat(G(6n), PAGE, region('rom', 'rom-device'));
      const own = flat(G(6n), PAGE, region('vram', 'ram', 'dev0'));
      for (const other of [rom, own])
        expect(gaps([flat(0n, GIB), high, other], [0n, GIB], [G(4n), G(6n) + PAGE])).toEqual([
          '1 tracked-gap',
        ]);
    });

    it('as RAM that ends at 4 GiB, and less than a page', () => {
      const upTo4G = flat(0n, G(4n));
      const later = flat(G(5n), GIB, undefined, { offset: G(4n) });
      expect(gaps([upTo4G, later], [0n, G(4n)], [G(4n), G(6n)])).toEqual(['1 tracked-gap']);
      for (const at of [G(6n), G(6n) + 8n]) {
        const bit = flat(at, 8n, undefined, { offset: G(2n) });
        expect(gaps([flat(0n, GIB), high, bit], [0n, GIB], [G(4n), G(6n)])).toEqual(['1 tracked-gap']);
      }
    });

    it('and asks for a range of its own for all of it', () => {
      const far = flat(G(6n), GIB, undefined, { offset: G(2n) });
      const view = [flat(0n, GIB), high, far];
      expect(gaps(view, [0n, GIB], [G(4n), G(5n)], [G(4n), G(9n)])).toEqual(['1 tracked-gap']);
    });
  });

  it('looks at the mappings of its own container, if there is one, and counts each event', () => {
    const event: VmmEvent = {
      type: 'dirty-tracking',
      container: 'second',
      ranges: [{ start: 0n, end: GIB }],
    };
    const judged = (...containers: readonly ReturnType<typeof container>[]) =>
      judge(
        mapMatchesView,
        trace([{ state: state({ flatView: VIEW.slice(0, 1), containers }) }, { events: [event] }]),
      );
    const [first, second] = [
      container([mapping(TOP, PAGE)], 'first'),
      container([mapping(0n, GIB)], 'second'),
    ];
    const tracked = (...all: readonly ReturnType<typeof container>[]) =>
      judged(...all).violations.filter(({ cause }) => cause === 'not-tracked');
    expect(tracked(first, second)).toEqual([]);
    expect(tracked(first)).toEqual([]);
    expect(tracked()).toEqual([]);
    // The mapping of the first state, and the event.
    expect(judged(second).exercised).toBe(2);
  });
});
