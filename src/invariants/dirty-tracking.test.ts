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
});
