import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { Examination } from './invariant.ts';
import {
  PAGE,
  container,
  flat,
  mapEvent,
  mapping,
  memslot,
  memslotEvent,
  region,
  scenario,
  trace,
  windowEvent,
} from './testing/index.ts';
import { UnmappedReasons } from './unmapped-reasons.ts';

const [AT, TOP] = [0xc000_0000n, 1n << 63n];
const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
const RANGE = flat(AT, PAGE, MMAP);

interface Seen {
  readonly events: readonly VmmEvent[];
  /** The ranges of the view that are new, or have got or lost a mapping. */
  readonly remapped: readonly (typeof RANGE)[];
  readonly view?: readonly (typeof RANGE)[];
  readonly mappings: readonly ReturnType<typeof mapping>[];
  readonly more?: Parameters<typeof trace>[1];
}

/** What is reported in a container with these mappings, after these events. */
function reported({ events, remapped, view = remapped, mappings, more = {} }: Seen) {
  const examination = new Examination('ram-reachable', { step: 0 });
  const reasons = new UnmappedReasons(trace([], more), examination);
  for (const event of events) reasons.note(event);
  reasons.judge(remapped, { containers: [container(mappings)], dmaView: view });
  return examination.violations;
}

const causesOf = (seen: Seen): readonly string[] => reported(seen).map(({ cause }) => cause);

/** What is said of device memory at `AT`. */
const said = (
  events: readonly VmmEvent[],
  mappings: readonly ReturnType<typeof mapping>[] = [],
  range = RANGE,
  more: Parameters<typeof trace>[1] = {},
): readonly string[] => reported({ events, remapped: [range], mappings, more }).map(({ message }) => message);

const UNEXPLAINED = [
  'container maps nothing of [0xc0000000, 0xc0000fff] "dev0 BAR 0 mmaps[0]", and the VMM does not say why',
];

describe('the reason why a container maps nothing of device memory', () => {
  it('is needed for device memory alone', () => {
    expect(said([])).toEqual(UNEXPLAINED);
    expect(said([], [], flat(AT, PAGE))).toEqual([]);
  });

  it('is not needed where the container maps a byte', () => {
    expect(said([], [mapping(AT, PAGE)])).toEqual([]);
    expect(said([], [mapping(AT - PAGE, PAGE + 1n)])).toEqual([]);
    expect(said([], [mapping(AT + PAGE - 1n, PAGE)])).toEqual([]);
    expect(said([], [mapping(AT - PAGE, PAGE)])).toEqual(UNEXPLAINED);
    expect(said([], [mapping(AT + PAGE, PAGE)])).toEqual(UNEXPLAINED);
  });

  it('is a map or a window that the host has refused, for some of the addresses', () => {
    const refused = { errno: Errno.EINVAL };
    expect(said([mapEvent(AT, PAGE, refused)])).toEqual([]);
    expect(said([windowEvent('window-create', AT, PAGE, refused)])).toEqual([]);
    expect(said([mapEvent(0n, PAGE, refused), mapEvent(AT, PAGE, refused)])).toEqual([]);
    expect(said([mapEvent(AT + PAGE, PAGE, refused)])).toEqual(UNEXPLAINED);
  });

  it('is nothing that the host has granted, of another container, or for the CPU', () => {
    const refused = { errno: Errno.EINVAL };
    expect(said([mapEvent(AT, PAGE)])).toEqual(UNEXPLAINED);
    expect(said([windowEvent('window-create', AT, PAGE)])).toEqual(UNEXPLAINED);
    expect(said([windowEvent('window-remove', AT, PAGE, refused)])).toEqual(UNEXPLAINED);
    expect(said([mapEvent(AT, PAGE, { ...refused, container: 'other' })])).toEqual(UNEXPLAINED);
    expect(said([memslotEvent(memslot(AT, PAGE), Errno.EINVAL)])).toEqual(UNEXPLAINED);
  });
});

describe('the reason that the VMM gives', () => {
  const skip = (reason: string, start = AT, size = PAGE): VmmEvent => ({
    type: 'skip',
    container: 'container',
    reason,
    start,
    size,
    region: MMAP.name,
    deviceMemory: true,
  });
  const wrong = (reason: string) => [
    `container maps nothing of [0xc0000000, 0xc0000fff] "dev0 BAR 0 mmaps[0]"; the VMM says "${reason}", ` +
      'but that is not true of the range',
  ];

  it.each(['incongruent', 'empty', 'iommu-page'])('%s is wrong of whole pages', (reason) => {
    expect(said([skip(reason)])).toEqual(wrong(reason));
    const [half, shifted] = [flat(AT, PAGE / 2n, MMAP), flat(AT, PAGE, MMAP, { offset: 8n })];
    expect(said([skip(reason, AT, PAGE / 2n)], [], half)).toEqual([]);
    expect(said([skip(reason)], [], shifted)).toEqual([]);
    // Pages of host or IOMMU may be larger than the range.
    expect(said([skip(reason)], [], RANGE, { pages: { iommu: 2n * PAGE } })).toEqual([]);
    expect(said([skip(reason)], [], RANGE, { pages: { host: 2n * PAGE } })).toEqual([]);
  });

  it('is wrong in the lower half of the addresses, and of memory that is not protected', () => {
    expect(said([skip('top-half')])).toEqual(wrong('top-half'));
    expect(said([skip('top-half', TOP)], [], flat(TOP, PAGE, MMAP))).toEqual([]);
    expect(said([skip('protected')])).toEqual(wrong('protected'));
    expect(said([skip('protected')], [], flat(AT, PAGE, { ...MMAP, isProtected: true }))).toEqual([]);
  });

  it('counts only of the same range, and where the host has not refused the range since', () => {
    expect(said([skip('empty', AT, 2n * PAGE)])).toEqual([]);
    expect(said([skip('empty', AT - PAGE, 2n * PAGE)])).toEqual([]);
    expect(said([skip('empty'), mapEvent(AT, PAGE, { errno: Errno.EINVAL })])).toEqual([]);
    expect(said([mapEvent(AT, PAGE, { errno: Errno.EINVAL }), skip('empty')])).toEqual(wrong('empty'));
  });

  const other = mapping(0x8000_0000n, PAGE, { region: 'dev0 BAR 2 mmaps[0]', owner: 'dev0' });
  const bars = [{ index: 0, size: '0x1000', type: 'mem32' }];
  const on = (iommu: object = {}, bar: object = {}) => ({
    scenario: scenario({
      host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'], ...iommu } },
      devices: [{ id: 'dev0', bars: [{ ...bars[0], ...bar }] }],
    }),
  });
  const LEFT_OUT = [
    'container maps nothing of [0xc0000000, 0xc0000fff] "dev0 BAR 0 mmaps[0]", which has whole pages within the reach of ' +
      'the host; other device memory is mapped (the VMM says "own")',
  ];

  it('may be a choice of the VMM, if the VMM maps no device memory at all', () => {
    expect(said([skip('own')], [], RANGE, on())).toEqual([]);
    expect(said([skip('own')], [mapping(0n, PAGE)], RANGE, on())).toEqual([]);
    expect(said([skip('own')], [other], RANGE, on())).toEqual(LEFT_OUT);
  });

  it('is no choice about memory that the host would not map', () => {
    const choice = (range: typeof RANGE, ...host: Parameters<typeof on>) =>
      said([skip('own', range.start, range.end - range.start)], [other], range, on(...host));
    expect(choice(flat(AT, PAGE / 2n, MMAP))).toEqual([]);
    expect(choice(flat(TOP, PAGE, MMAP))).toEqual([]);
    expect(choice(RANGE, {}, { p2p: false })).toEqual([]);
    const upTo = (end: bigint) => ({ apertures: [{ start: '0x0', end: `0x${end.toString(16)}` }] });
    expect(choice(RANGE, upTo(AT + PAGE - 1n))).toEqual(LEFT_OUT);
    expect(choice(RANGE, upTo(AT + PAGE - 2n))).toEqual([]);
    expect(choice(RANGE, { apertures: [{ start: '0xc0000001', end: '0xffffffff' }] })).toEqual([]);
  });

  it('names its cause', () => {
    const causeOf = (reason: string, mappings: readonly ReturnType<typeof mapping>[] = []) =>
      causesOf({ events: [skip(reason)], remapped: [RANGE], mappings, more: on() });
    expect(causeOf('empty')).toEqual(['wrong-reason']);
    expect(causeOf('own', [other])).toEqual(['left-out']);
    expect(causesOf({ events: [], remapped: [RANGE], mappings: [] })).toEqual(['unexplained']);
  });

  describe('is looked at again everywhere when a mapping comes, if the VMM chooses', () => {
    const FAR = flat(AT + 0x10_0000n, PAGE, MMAP);
    const mapped = mapping(AT, PAGE, { region: MMAP.name, owner: 'dev0' });
    const again = (event: VmmEvent, remapped: readonly (typeof RANGE)[] = [RANGE]) =>
      causesOf({ events: [event], remapped, view: [RANGE, FAR], mappings: [mapped], more: on() });

    it('and the choice is about device memory', () => {
      expect(again(skip('own', FAR.start))).toEqual(['left-out']);
      expect(again({ ...skip('own', FAR.start), deviceMemory: false } as VmmEvent)).toEqual([]);
    });

    it('but not for a reason that depends on the section, nor where nothing was mapped', () => {
      for (const reason of ['empty', 'incongruent', 'iommu-page', 'top-half', 'protected'])
        expect(again(skip(reason, FAR.start))).toEqual([]);
      expect(again(skip('own', FAR.start), [])).toEqual([]);
    });
  });

  it('is no choice on POWER, nor of memory whose device the scenario does not have, or lets not be mapped', () => {
    const choice = (more: Parameters<typeof trace>[1]) =>
      causesOf({ events: [skip('own')], remapped: [RANGE], mappings: [other], more });
    const withDevices = (...devices: readonly object[]) => ({
      scenario: scenario({ host: { kernel: 'msix-mappable', iommu: { type: 'type1' } }, devices }),
    });
    const [may, mayNot] = [
      { index: 0, size: '0x1000', type: 'mem32' },
      { index: 2, size: '0x1000', type: 'mem32', p2p: false },
    ];
    const power = scenario({
      machine: { type: 'pseries' },
      host: { kernel: 'msix-mappable', iommu: { type: 'spapr-tce-v2' } },
      devices: [{ id: 'dev0', bars: [may] }],
    });
    expect(choice({ scenario: power })).toEqual([]);
    expect(choice(withDevices())).toEqual([]);
    expect(choice(withDevices({ id: 'dev0', bars: [may, mayNot] }))).toEqual([]);
    expect(choice(withDevices({ id: 'dev1', bars: [mayNot] }, { id: 'dev0', bars: [may] }))).toEqual([
      'left-out',
    ]);
  });

  it('is no choice within one of several apertures, to their last addresses', () => {
    const apertures = [
      { start: '0x0', end: '0xfff' },
      { start: '0xc0000000', end: '0xc0000fff' },
    ];
    expect(
      causesOf({ events: [skip('own')], remapped: [RANGE], mappings: [other], more: on({ apertures }) }),
    ).toEqual(['left-out']);
  });

  it('excuses a whole page by any of what was said, and counts pages from the beginning of the region', () => {
    const refused = { errno: Errno.EINVAL };
    const range = flat(AT, 2n * PAGE, MMAP);
    const first = mapping(AT, PAGE);
    const events = [mapEvent(AT + 0x10_0000n, PAGE, refused), mapEvent(AT + PAGE, PAGE, refused)];
    expect(causesOf({ events, remapped: [range], mappings: [first] })).toEqual([]);
    const shifted = flat(AT + 0x400n, 3n * PAGE, MMAP, { offset: 0x400n });
    const start = mapping(AT + 0x400n, PAGE - 0x400n);
    expect(causesOf({ events: [], remapped: [shifted], mappings: [start] })).toEqual(['partly-mapped']);
  });

  it('comes with a range that is mapped in part, for each whole page', () => {
    const range = flat(AT, 3n * PAGE, MMAP);
    const partly = (start: string, end: string) => [
      `container maps [0xc0000000, 0xc0002fff] "dev0 BAR 0 mmaps[0]" without [${start}, ${end}], and the VMM does not say why`,
    ];
    expect(said([], [mapping(AT, PAGE)], range)).toEqual(partly('0xc0001000', '0xc0001fff'));
    expect(said([], [mapping(AT + PAGE, 2n * PAGE)], range)).toEqual(partly('0xc0000000', '0xc0000fff'));
    expect(said([], [mapping(AT, PAGE), mapping(AT + 2n * PAGE, PAGE)], range)).toEqual(
      partly('0xc0001000', '0xc0001fff'),
    );
    expect(said([], [mapping(AT, PAGE), mapping(AT + PAGE, 2n * PAGE)], range)).toEqual([]);
    expect(said([], [mapping(AT + 1n, 3n * PAGE - 2n)], range)).toEqual([]);
    expect(said([skip('empty', AT + PAGE, 2n * PAGE)], [mapping(AT, PAGE)], range)).toEqual([]);
    expect(said([], [mapping(AT, PAGE)], flat(AT, 3n * PAGE, MMAP, { offset: 8n }))).toEqual([]);
  });
});
