import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import type { State, Trace } from '../trace/index.ts';
import type { AccessEvent, VmmEvent } from '../vfio/index.ts';
import { memslotComplete } from './memslot-complete.ts';
import {
  PAGE,
  bar,
  causes,
  container,
  device,
  flat,
  judge,
  layout,
  memslot,
  memslotEvent,
  mmapEvent,
  region,
  scenario,
  state,
  trace,
} from './testing/index.ts';

const AT = 0xd000_0000n;
const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
const TRAPPED = region('dev0 BAR 0', 'io', 'dev0');
const OTHER = device([bar(0, 0x1_0000n, { device: 'dev1', address: 0n })], undefined, { id: 'dev1' });

/** A device of a scenario in JSON form, with one memory BAR. */
const spec = (size: bigint, more: object = {}, id = 'dev0') => ({
  id,
  bars: [{ index: 0, size: `0x${size.toString(16)}`, type: 'mem64', ...more }],
});

const traceOf = (
  states: readonly State[],
  specs: readonly object[],
  events: readonly VmmEvent[] = [],
): Trace =>
  trace(
    states.map((shown, index) => ({ state: shown, events: index === 0 ? events : [] })),
    { scenario: scenario({ devices: specs }) },
  );
const found = (...of: Parameters<typeof traceOf>) => causes(memslotComplete, traceOf(...of));
const messages = (...of: Parameters<typeof traceOf>) =>
  judge(memslotComplete, traceOf(...of)).violations.map(({ message, at }) => ({ message, at }));

describe('memslot-complete for RAM names', () => {
  it('the first page without a slot', () => {
    const shown = state({ flatView: [flat(0n, 4n * PAGE)], memslots: [memslot(0n, PAGE)] });
    expect(messages([shown], [])).toEqual([
      {
        message: 'the page [0x1000, 0x1fff] of "ram" is in no memslot with its memory',
        at: { start: 0x1000n, end: 0x2000n },
      },
    ]);
  });
});

describe('memslot-complete for RAM', () => {
  const ram = (range: ReturnType<typeof flat>, slots: readonly ReturnType<typeof memslot>[] = []) =>
    judge(memslotComplete, traceOf([state({ flatView: [range], memslots: slots })], []));

  it('has whole pages only where address and offset agree in their pages', () => {
    expect(ram(flat(PAGE, 4n * PAGE, region('ram'), { offset: 0x800n }))).toMatchObject({
      causes: [],
      exercised: 0,
    });
    expect(ram(flat(0x1400n, 4n * PAGE, region('ram'), { offset: 0x400n })).causes).toEqual([
      'ram-without-slot',
    ]);
  });

  it('checks no range without a whole page', () => {
    expect(ram(flat(0x1800n, PAGE, region('ram'), { offset: 0x800n }))).toMatchObject({
      causes: [],
      exercised: 0,
    });
    expect(ram(flat(PAGE, 0x800n))).toMatchObject({ causes: [], exercised: 0 });
    expect(ram(flat(PAGE, PAGE), [memslot(PAGE, PAGE)])).toMatchObject({ causes: [], exercised: 1 });
  });

  it('is in a slot that begins in front of it, if that has the same bytes there', () => {
    const range = flat(PAGE, PAGE, region('ram'), { offset: PAGE });
    expect(ram(range, [memslot(0n, 4n * PAGE)]).causes).toEqual([]);
    expect(ram(range, [memslot(0n, 4n * PAGE, { offset: PAGE })]).causes).toEqual(['ram-without-slot']);
    expect(ram(range, [memslot(0n, 4n * PAGE, { owner: 'dev0' })]).causes).toEqual(['ram-without-slot']);
  });

  it('is missed although KVM refuses to delete a slot in it', () => {
    const shown = state({ flatView: [flat(0n, 4n * PAGE)] });
    const deletion = memslotEvent(memslot(PAGE, 0n), Errno.EINVAL);
    expect(found([shown], [], [deletion])).toEqual(['ram-without-slot']);
    expect(found([shown], [], [memslotEvent(memslot(PAGE, PAGE), Errno.EINVAL)])).toEqual([]);
  });
});

describe('memslot-complete for a BAR smaller than a page', () => {
  const SIZE = 0x100n;
  const SMALL = device([bar(0, SIZE, { address: AT })]);
  const RANGE = flat(AT, SIZE, MMAP);
  const shown = (parts: Partial<State> = {}) => state({ flatView: [RANGE], devices: [SMALL], ...parts });

  it('names the BAR and its page', () => {
    expect(messages([shown()], [spec(SIZE)])).toEqual([
      {
        message:
          '[0xd0000000, 0xd00000ff] "dev0 BAR 0 mmaps[0]" traps all of BAR 0 of dev0, ' +
          'which has the page [0xd0000000, 0xd0000fff] to itself',
        at: RANGE,
      },
    ]);
  });

  it('counts what it has checked', () => {
    const slot = memslot(AT, PAGE, { region: MMAP.name, owner: 'dev0' });
    expect(judge(memslotComplete, traceOf([shown({ memslots: [slot] })], [spec(SIZE)]))).toMatchObject({
      causes: [],
      exercised: 1,
    });
    const idle = shown({ memslots: [slot], containers: [container([])] });
    const again = traceOf([shown({ memslots: [slot] }), { ...idle, flatView: [RANGE] }], [spec(SIZE)]);
    const [first, second] = again.steps;
    const same = { ...second!, state: { ...first!.state, containers: [container([])] } };
    expect(judge(memslotComplete, { ...again, steps: [first!, same] }).exercised).toBe(1);
  });

  it('looks at the device and at the BAR that own the range', () => {
    expect(found([shown({ devices: [OTHER, SMALL] })], [spec(SIZE)])).toEqual(['small-bar-trapped']);
    expect(found([shown()], [spec(0x1_0000n, {}, 'dev1'), spec(SIZE)])).toEqual(['small-bar-trapped']);
    const two = { id: 'dev0', bars: [{ index: 2, size: '0x10000', type: 'mem64' }, ...spec(SIZE).bars] };
    expect(found([shown()], [two])).toEqual(['small-bar-trapped']);
  });

  it.each<readonly [string, Partial<State>, readonly object[]]>([
    ['has left', { devices: [] }, [spec(SIZE)]],
    ['is not of the scenario', {}, []],
    ['has no BAR with the range', { devices: [device([bar(0, SIZE, { layers: [] })])] }, [spec(SIZE)]],
    ['has no such BAR in the scenario', {}, [{ id: 'dev0', bars: [] }]],
    ['has mmaps of a part of the BAR alone', {}, [spec(SIZE, { sparse: [{ offset: '0x0', size: '0x80' }] })]],
    ['shows a part of the BAR', { flatView: [flat(AT, 0x80n, MMAP)] }, [spec(SIZE)]],
    [
      'shows the BAR from another byte on',
      { flatView: [flat(AT, SIZE, MMAP, { offset: 0x40n })] },
      [spec(SIZE)],
    ],
    ['has a trapped BAR', { flatView: [flat(AT, SIZE, TRAPPED)] }, [spec(SIZE, { mmap: false })]],
  ])('says nothing about a device that %s', (_, parts, specs) => {
    expect(found([shown(parts)], specs)).toEqual([]);
  });

  it('adds the offset in the region to that of the region in the BAR', () => {
    const layers = [{ region: MMAP.name, offset: offset(0x40n) }];
    const devices = [device([bar(0, SIZE, { address: AT, layers })])];
    expect(
      found([shown({ devices, flatView: [flat(AT, SIZE, MMAP, { offset: 0x40n })] })], [spec(SIZE)]),
    ).toEqual([]);
  });

  it('is only about BARs smaller than a page', () => {
    const page = { flatView: [flat(AT, PAGE, MMAP)], devices: [device([bar(0, PAGE, { address: AT })])] };
    expect(found([state(page)], [spec(PAGE)])).toEqual(['bar-without-slot']);
  });

  it('accepts a page whose slot KVM refused, and no other', () => {
    const refused = (at: bigint) => memslotEvent(memslot(at, PAGE), Errno.EINVAL);
    expect(found([shown()], [spec(SIZE)], [refused(AT)])).toEqual([]);
    expect(found([shown()], [spec(SIZE)], [refused(AT + PAGE)])).toEqual(['small-bar-trapped']);
  });

  it.each<readonly [string, Partial<State>]>([
    ['is plugged', { devices: [] }],
    ['gets its BAR', { devices: [device([bar(0, SIZE, { address: AT, layers: [] })])] }],
    ['loses its neighbour in the page', { flatView: [RANGE, flat(AT + 0x800n, 8n, region('hpet', 'io'))] }],
    ['loses its slot', { memslots: [memslot(AT, PAGE, { region: MMAP.name, owner: 'dev0' })] }],
  ])('looks again when the device %s', (_, before) => {
    const after = shown(before.flatView === undefined ? {} : { flatView: [RANGE] });
    const { violations } = judge(memslotComplete, traceOf([shown(before), after], [spec(SIZE)]));
    expect(violations).toMatchObject([{ cause: 'small-bar-trapped', step: 1 }]);
  });
});

describe('memslot-complete for a BAR that is trapped', () => {
  const SIZE = 0x4000n;
  const PLUGGED = device([bar(0, SIZE, { address: AT })]);
  const shown = (parts: Partial<State> = {}) =>
    state({ flatView: [flat(AT, SIZE, TRAPPED)], devices: [PLUGGED], ...parts });

  it('names the bytes and the BAR', () => {
    const range = flat(AT + PAGE, 2n * PAGE, TRAPPED, { offset: PAGE });
    expect(messages([shown({ flatView: [range] })], [spec(SIZE)])).toEqual([
      {
        message:
          '[0xd0001000, 0xd0002fff] "dev0 BAR 0" traps [0x1000, 0x2fff] of BAR 0 of dev0, which the host lets be mmapped',
        at: range,
      },
    ]);
  });

  it('accepts it after the host has refused an mmap of this BAR of this device', () => {
    const after = (...events: readonly VmmEvent[]) => found([shown()], [spec(SIZE)], events);
    expect(after(mmapEvent(0n, SIZE, { errno: Errno.ENOMEM }))).toEqual([]);
    expect(after(mmapEvent(0n, SIZE))).toEqual(['bar-trapped']);
    expect(after(mmapEvent(0n, SIZE, { errno: Errno.ENOMEM, bar: 1 }))).toEqual(['bar-trapped']);
    expect(after(mmapEvent(0n, SIZE, { errno: Errno.ENOMEM, device: 'dev1' }))).toEqual(['bar-trapped']);
    const access: AccessEvent = {
      ...{ type: 'access', device: 'dev0', bar: 0, offset: offset(0n), width: 4, write: false },
      address: AT,
      parts: [],
    };
    expect(after(access)).toEqual(['bar-trapped']);
  });

  it('looks at the device and at the BAR that own the range', () => {
    expect(found([shown({ devices: [OTHER, PLUGGED] })], [spec(SIZE)])).toEqual(['bar-trapped']);
    expect(found([shown()], [spec(SIZE, { mmap: false }, 'dev1'), spec(SIZE)])).toEqual(['bar-trapped']);
    const two = {
      id: 'dev0',
      bars: [{ index: 2, size: '0x4000', type: 'mem64', mmap: false }, ...spec(SIZE).bars],
    };
    expect(found([shown()], [two])).toEqual(['bar-trapped']);
  });

  it.each<readonly [string, Partial<State>, readonly object[]]>([
    ['has left', { devices: [] }, [spec(SIZE)]],
    ['is not of the scenario', {}, []],
    ['has no such BAR in the scenario', {}, [{ id: 'dev0', bars: [] }]],
  ])('says nothing about a device that %s', (_, parts, specs) => {
    expect(judge(memslotComplete, traceOf([shown(parts)], specs))).toMatchObject({
      causes: [],
      exercised: 0,
    });
  });

  it('accepts pieces of pages around the page of the table', () => {
    const msix = { vectors: 1, tableBar: 0, tableOffset: '0x1000', pbaBar: 0, pbaOffset: '0x1800' };
    const devices = [device([bar(0, SIZE, { address: AT })], layout(1, 0x1000n, 0x1800n))];
    const trapping = (from: bigint, to: bigint) => {
      const flatView = [flat(AT + from, to - from, TRAPPED, { offset: from })];
      return judge(memslotComplete, traceOf([shown({ devices, flatView })], [{ ...spec(SIZE), msix }]));
    };
    expect(trapping(0x800n, 0x2800n)).toMatchObject({ causes: [], exercised: 1 });
    expect(trapping(0x0n, 0x2800n).causes).toEqual(['bar-trapped']);
    expect(trapping(0x800n, 0x3000n).causes).toEqual(['bar-trapped']);
    expect(trapping(0x2800n, 0x3800n).causes).toEqual([]);
  });

  it('looks at the whole view when a device is plugged, and else at new ranges alone', () => {
    const flatView = [flat(AT, SIZE, TRAPPED)];
    const late = judge(
      memslotComplete,
      traceOf([shown({ flatView, devices: [] }), shown({ flatView })], [spec(SIZE)]),
    );
    expect(late).toMatchObject({ exercised: 1, violations: [{ cause: 'bar-trapped', step: 1 }] });
    const idle = [shown({ flatView }), shown({ flatView, containers: [container([])] })];
    expect(judge(memslotComplete, traceOf(idle, [spec(SIZE)])).exercised).toBe(1);
  });
});

describe('memslot-complete for what a VMM emulates over a BAR', () => {
  const SIZE = 0x20_0000n;
  const quirk = (at: bigint, size: bigint, name = 'quirk') => flat(AT + at, size, region(name, 'io', 'dev0'));
  const BAR = bar(0, SIZE, { address: AT });
  const shown = (range: ReturnType<typeof flat>, devices = [device([BAR])]) =>
    state({ flatView: [range], devices });

  it('names the bytes and the BAR', () => {
    expect(messages([shown(quirk(PAGE, 4n))], [spec(SIZE)])).toEqual([
      {
        message:
          '[0xd0001000, 0xd0001003] "quirk" of dev0 lies over [0x1000, 0x1003] of BAR 0 of dev0, which the host lets be ' +
          'mmapped, and which holds neither MSI-X nor a mirror of configuration space',
        at: quirk(PAGE, 4n),
      },
    ]);
    // 16 bytes lie in front of the BAR.
    expect(messages([shown(quirk(-16n, 32n))], [spec(SIZE)])[0]!.message).toContain(
      'over [0x0, 0xf] of BAR 0',
    );
  });

  it('counts each such region', () => {
    const made = traceOf([shown(quirk(PAGE, 4n))], [spec(SIZE, { mmap: false })]);
    expect(judge(memslotComplete, made)).toMatchObject({ causes: [], exercised: 1 });
  });

  it('accepts it after the host has refused an mmap of this BAR of this device', () => {
    const after = (event: VmmEvent) => found([shown(quirk(PAGE, 4n))], [spec(SIZE)], [event]);
    expect(after(mmapEvent(0n, SIZE, { errno: Errno.ENOMEM }))).toEqual([]);
    expect(after(mmapEvent(0n, SIZE, { errno: Errno.ENOMEM, bar: 1 }))).toEqual(['emulated-without-reason']);
    expect(after(mmapEvent(0n, SIZE, { errno: Errno.ENOMEM, device: 'dev1' }))).toEqual([
      'emulated-without-reason',
    ]);
  });

  it('looks at the device of the scenario that owns the region, if there is one', () => {
    const range = quirk(PAGE, 4n);
    expect(found([shown(range)], [spec(SIZE, { mmap: false }, 'dev1'), spec(SIZE)])).toEqual([
      'emulated-without-reason',
    ]);
    expect(found([shown(range)], [])).toEqual([]);
    expect(found([shown(range, [])], [spec(SIZE)])).toEqual([]);
  });

  /** BAR 0, and BAR 2 at the same address. */
  const both = (first: object = {}, second: object = {}, more: object = {}) => ({
    id: 'dev0',
    bars: [
      { ...spec(SIZE).bars[0], ...first },
      { ...spec(SIZE).bars[0], index: 2, ...second },
    ],
    ...more,
  });
  const overlapping = (...of: readonly (Parameters<typeof device>[1] | Parameters<typeof device>[2])[]) => [
    device(
      [BAR, bar(2, SIZE, { address: AT })],
      of[0] as Parameters<typeof device>[1],
      of[1] as Parameters<typeof device>[2],
    ),
  ];

  it('looks at each BAR below, by its own index', () => {
    const range = quirk(PAGE, 4n);
    expect(found([shown(range, overlapping())], [both({ mmap: false })])).toEqual([
      'emulated-without-reason',
    ]);
    expect(found([shown(range, overlapping())], [both({ mmap: false }, { mmap: false })])).toEqual([]);
    const msix = { vectors: 1, tableBar: 0, tableOffset: '0x1000', pbaBar: 0, pbaOffset: '0x1800' };
    expect(
      found(
        [shown(quirk(0x8000n, 4n), overlapping(layout(1, 0x1000n, 0x1800n)))],
        [both({ mmap: false }, {}, { msix })],
      ),
    ).toEqual(['emulated-without-reason']);
    // A BAR that the scenario does not have, and one without an address, lie nowhere.
    expect(found([shown(range, overlapping())], [spec(SIZE, { mmap: false })])).toEqual([]);
    expect(found([shown(range, [device([bar(0, SIZE), bar(2, SIZE)])])], [both()])).toEqual([]);
  });

  it('accepts a mirror although another BAR without a mirror lies below', () => {
    const nvidia = { vendor: '0x10de', vga: true };
    const mirror = quirk(0x8_8000n, 0x1000n);
    expect(found([shown(mirror, overlapping())], [both({}, {}, nvidia)])).toEqual([]);
    // BAR 0 of 64 KiB ends in front of the mirror.
    const short = [device([bar(0, 0x1_0000n, { address: AT }), bar(2, SIZE, { address: AT })])];
    expect(found([shown(mirror, short)], [both({ size: '0x10000' }, {}, nvidia)])).toEqual([
      'emulated-without-reason',
    ]);
  });

  it('knows no mirror that begins where its BAR ends', () => {
    const ati = { vendor: '0x1002', vga: true };
    const mirror = quirk(0x4000n, 0x100n);
    const short = [device([BAR, bar(2, 0x4000n, { address: AT })])];
    expect(found([shown(mirror, short)], [both({}, { size: '0x4000' }, ati)])).toEqual([
      'emulated-without-reason',
    ]);
    expect(found([shown(mirror, overlapping())], [both({}, {}, ati)])).toEqual([]);
  });

  const MSIX = { vectors: 1, tableBar: 0, tableOffset: '0x1000', pbaBar: 0, pbaOffset: '0x1800' };
  const LAYOUT = layout(1, 0x1000n, 0x1800n);

  it.each<readonly [string, bigint, object]>([
    ['msix-table', 0x1000n, {}],
    ['msix-table', 0x1000n, { emulatedAt: undefined }],
    ['msix-pba', 0x1800n, {}],
    ['VFIO MSIX PBA', 0x1800n, { pbaAt: { bar: 0, offset: 0x1800n } }],
  ])('takes %s at %s for a part of the BAR of MSI-X, and of no other BAR below', (name, at, more) => {
    const devices = overlapping(LAYOUT, more);
    expect(found([shown(quirk(at, 8n, name), devices)], [both({}, {}, { msix: MSIX })])).toEqual([]);
    expect(found([shown(quirk(0x8000n, 8n, name), devices)], [both({}, {}, { msix: MSIX })])).toEqual([
      'emulated-without-reason',
    ]);
    expect(
      found([shown(quirk(0x8000n, 8n, name), devices)], [both({ mmap: false }, {}, { msix: MSIX })]),
    ).toEqual([]);
  });

  it.each(['msix-table', 'msix-pba'])('knows no reason for %s without MSI-X', (name) => {
    expect(found([shown(quirk(0x1000n, 8n, name))], [spec(SIZE)])).toEqual(['emulated-without-reason']);
  });
});
