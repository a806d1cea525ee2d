import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import { runOnModel } from '../model/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { NEWEST, type VmmEvent } from '../vfio/index.ts';
import { memslotComplete } from './memslot-complete.ts';
import {
  PAGE,
  PAGE_64K,
  bar,
  causes,
  device,
  flat,
  judge,
  memslot,
  memslotEvent,
  region,
  scenario,
  state,
  trace,
  traceOfStates,
} from './testing/index.ts';

const slot = (at: bigint, size: bigint, shown = {}) => memslot(at, size, { offset: at, ...shown });
const ram = (slots: readonly ReturnType<typeof memslot>[], more = {}) =>
  traceOfStates([state({ flatView: [flat(0n, 4n * PAGE)], memslots: slots })], more);

describe('memslot-complete for RAM', () => {
  it('accepts RAM in one slot, or in several', () => {
    expect(judge(memslotComplete, ram([slot(0n, 4n * PAGE)]))).toMatchObject({ causes: [], exercised: 1 });
    expect(causes(memslotComplete, ram([slot(0n, PAGE), slot(PAGE, 3n * PAGE)]))).toEqual([]);
  });

  it.each([
    ['no slot at all', []],
    ['a slot that begins a page late', [slot(PAGE, 3n * PAGE)]],
    ['a slot that ends a page early', [slot(0n, 3n * PAGE)]],
    ['a hole between slots', [slot(0n, PAGE), slot(2n * PAGE, 2n * PAGE)]],
    ['a slot of other memory', [slot(0n, 4n * PAGE, { region: 'rom' })]],
    ['a slot of another part of RAM', [slot(0n, 4n * PAGE, { offset: PAGE })]],
  ])('reports RAM with %s', (_, slots) => {
    expect(causes(memslotComplete, ram(slots))).toEqual(['ram-without-slot']);
  });

  it('asks for no slot for pieces of a page, nor from a target that hides memslots', () => {
    expect(causes(memslotComplete, ram([], { pages: { host: PAGE_64K } }))).toEqual([]);
    expect(judge(memslotComplete, ram([], { hidesMemslots: true }))).toMatchObject({
      causes: [],
      exercised: 0,
    });
  });

  it('says nothing about a slot that KVM refused', () => {
    const refused = memslotEvent(slot(0n, 4n * PAGE), Errno.EINVAL);
    const shown = state({ flatView: [flat(0n, 4n * PAGE)] });
    expect(causes(memslotComplete, trace([{ events: [refused], state: shown }]))).toEqual([]);
    expect(causes(memslotComplete, trace([{ state: shown }]))).toEqual(['ram-without-slot']);
  });
});

describe('memslot-complete for flash', () => {
  const FLASH = region('flash', 'rom-device');
  const shown = (more: { readonly romdMode?: boolean }, machine = 'generic') =>
    causes(
      memslotComplete,
      traceOfStates([state({ flatView: [flat(0n, PAGE, FLASH, more)] })], {
        scenario: scenario({ machine: { type: machine } }),
      }),
    );

  it('asks for a slot while flash shows its contents, where KVM has read-only slots', () => {
    expect(shown({})).toEqual(['flash-without-slot']);
    expect(shown({ romdMode: false })).toEqual([]);
    expect(shown({}, 'pseries')).toEqual([]);
  });
});

describe('memslot-complete for a BAR of 16 KiB with the table in its second page', () => {
  const run = (more: { readonly bar?: object; readonly options?: object } = {}): Trace =>
    runOnModel(
      decodeScenario({
        version: 1,
        machine: { type: 'q35', ram: '0x10000000' },
        host: { kernel: '6.12', iommu: { type: 'type1', pageSizes: ['0x1000'] } },
        devices: [
          {
            id: 'dev0',
            bars: [{ index: 0, size: '0x4000', type: 'mem32', ...more.bar }],
            msix: { vectors: 1, tableBar: 0, tableOffset: '0x1000', pbaBar: 0, pbaOffset: '0x1800' },
            options: more.options ?? {},
          },
        ],
        operations: [
          { op: 'set-bar', device: 'dev0', bar: 0, address: '0xc0000000' },
          { op: 'enable-memory', device: 'dev0' },
        ],
      }),
      NEWEST,
    );
  /** The trace as of a VMM that traps the whole BAR: its mmaps are no memory in the flat view. */
  const trapping = (given: Trace): Trace => ({
    ...given,
    steps: given.steps.map(({ operation, events, state: shown }) => ({
      operation,
      events,
      state: {
        ...shown,
        memslots: shown.memslots.filter(({ backing }) => backing.owner === undefined),
        flatView: shown.flatView.map((range) =>
          range.region.kind === 'ram-device'
            ? { ...range, region: { ...range.region, kind: 'io' as const } }
            : range,
        ),
      },
    })),
  });

  it('accepts that only the page of the table is trapped', () => {
    expect(causes(memslotComplete, run())).toEqual([]);
  });

  it('reports a BAR that is trapped whole', () => {
    expect(causes(memslotComplete, trapping(run()))).toEqual(['bar-trapped']);
  });

  it.each([
    ['the user switches mmap off', { options: { 'x-no-mmap': true } }],
    ['the host allows no mmap', { bar: { mmap: false } }],
    ['every mmap fails', { bar: { mmapError: 'EBUSY' } }],
  ])('accepts a BAR that is trapped whole where %s', (_, more) => {
    expect(causes(memslotComplete, run(more))).toEqual([]);
    expect(causes(memslotComplete, trapping(run(more)))).toEqual([]);
  });

  it('asks for no bytes behind the BAR, also where relocation has made the BAR larger', () => {
    const relocated = run({
      bar: { sparse: [{ offset: '0x6000', size: '0x1000' }] },
      options: { 'x-msix-relocation': 'bar0' },
    });
    expect(relocated.steps.at(-1)!.state.devices[0]!.bars[0]!.size).toBe(0x8000n);
    expect(causes(memslotComplete, relocated)).toEqual([]);
  });

  it('reports memory of a BAR without a slot', () => {
    const given = run();
    const steps = given.steps.map(({ operation, events, state: shown }) => ({
      operation,
      events,
      state: { ...shown, memslots: shown.memslots.filter(({ backing }) => backing.owner === undefined) },
    }));
    expect(causes(memslotComplete, { ...given, steps })).toEqual(['bar-without-slot']);
  });
});

describe('memslot-complete for a BAR smaller than a page', () => {
  const small = bar(0, 0x100n, { address: 0xd000_0000n });
  const spec = scenario({ devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x100', type: 'mem32' }] }] });
  const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
  const shows = (
    start: bigint,
    others: readonly ReturnType<typeof flat>[] = [],
    slots: readonly ReturnType<typeof memslot>[] = [],
    given?: Parameters<typeof scenario>[0],
  ) =>
    causes(
      memslotComplete,
      traceOfStates(
        [
          state({
            flatView: [flat(start, 0x100n, MMAP), ...others],
            memslots: slots,
            devices: [device([small])],
          }),
        ],
        { scenario: given === undefined ? spec : scenario(given) },
      ),
    );

  it('reports one that has its page to itself and no slot', () => {
    expect(shows(0xd000_0000n)).toEqual(['small-bar-trapped']);
    expect(shows(0xd000_0000n, [], [memslot(0xd000_0000n, PAGE)])).toEqual([]);
  });

  it('accepts one of a device whose MSI-X table lies outside of it, which misleads the VMM', () => {
    const msix = { vectors: 1, tableBar: 0, tableOffset: '0x1000', pbaBar: 0, pbaOffset: '0x0' };
    expect(
      shows(0xd000_0000n, [], [], {
        devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x100', type: 'mem32' }], msix }],
      }),
    ).toEqual([]);
  });

  it('accepts one off the page boundary, and one beside other memory in its page', () => {
    expect(shows(0xd000_0100n)).toEqual([]);
    expect(shows(0xd000_0000n, [flat(0xd000_0800n, 0x10n, region('other', 'io'))])).toEqual([]);
    expect(shows(0xd000_0000n, [flat(0xd000_1000n, 0x10n, region('other', 'io'))])).toEqual([
      'small-bar-trapped',
    ]);
  });
});

describe('memslot-complete for what a VMM emulates over a BAR of 2 MiB', () => {
  const AT = 0xd000_0000n;
  const SIZE = 0x20_0000n;
  /** A device with BAR 0 or 2, and an emulated region at an offset of the BAR. */
  const shows = (
    { index = 0, type = 'mem64', ...of }: { index?: number; type?: string; sparse?: object } & object,
    { name = 'quirk', at, size }: { readonly name?: string; readonly at: bigint; readonly size: bigint },
    more: object = {},
  ) =>
    causes(
      memslotComplete,
      traceOfStates(
        [
          state({
            flatView: [flat(AT + at, size, region(name, 'io', 'dev0'), { offset: 0n })],
            devices: [device([bar(index, SIZE, { address: AT })])],
          }),
        ],
        {
          scenario: scenario({
            devices: [{ id: 'dev0', bars: [{ index, size: '0x200000', type, ...of }], ...more }],
          }),
        },
      ),
    );
  const nvidia = { vendor: 0x10de, vga: true };
  const ati = { vendor: 0x1002, vga: true };

  it('reports a register over memory, however small, and names no bytes of another device', () => {
    expect(shows({}, { at: 0x1000n, size: 4n })).toEqual(['emulated-without-reason']);
    expect(shows({}, { at: SIZE, size: 8n })).toEqual([]);
  });

  it('accepts the mirror of configuration space of a graphics card, and no more than the mirror', () => {
    expect(shows({}, { at: 0x8_8000n, size: 0x1000n }, nvidia)).toEqual([]);
    expect(shows({}, { at: 0x8_8000n, size: 0x1001n }, nvidia)).toEqual(['emulated-without-reason']);
    expect(shows({}, { at: 0x8_8000n, size: 0x1000n }, { ...nvidia, configSize: '0x100' })).toEqual([
      'emulated-without-reason',
    ]);
    expect(shows({}, { at: 0x8_8000n, size: 0x1000n }, { ...nvidia, vga: false })).toEqual([
      'emulated-without-reason',
    ]);
    expect(shows({ index: 2 }, { at: 0x4000n, size: 0x100n }, ati)).toEqual([]);
    expect(shows({ index: 2, type: 'mem32' }, { at: 0x4000n, size: 0x100n }, ati)).toEqual([
      'emulated-without-reason',
    ]);
  });

  it('accepts what lies where the host allows no mmap', () => {
    expect(shows({ mmap: false } as object, { at: 0x1000n, size: 4n })).toEqual([]);
    const sparse = [{ offset: '0x2000', size: '0x1000' }];
    expect(shows({ sparse }, { at: 0x1000n, size: 4n })).toEqual([]);
    expect(shows({ sparse }, { at: 0x2000n, size: 4n })).toEqual(['emulated-without-reason']);
  });
});

describe('memslot-complete for a slot that KVM refuses', () => {
  const refusal = memslotEvent(slot(0n, 4n * PAGE), Errno.ENOMEM);
  const after = (event: VmmEvent) =>
    causes(
      memslotComplete,
      trace([{ events: [event], state: state({ flatView: [flat(0n, 4n * PAGE)], memslots: [] }) }]),
    );

  it('leaves a refusal with a reason to no-abort', () => {
    expect(after(refusal)).toEqual([]);
  });

  it('reports a VMM that goes on without a slot of RAM after a fault of the host', () => {
    expect(after({ ...refusal, injected: true })).toEqual(['ram-without-slot']);
  });

  it('accepts that a BAR traps after a fault of the host', () => {
    const ofBar = memslotEvent(slot(0n, 4n * PAGE, { owner: 'dev0' }), Errno.ENOMEM);
    const shown = [flat(0n, 4n * PAGE, { name: 'dev0 BAR 0', kind: 'ram-device', owner: 'dev0' })];
    const steps = (event: typeof ofBar) => [
      { events: [event], state: state({ flatView: shown, memslots: [] }) },
    ];
    expect(causes(memslotComplete, trace(steps({ ...ofBar, injected: true })))).toEqual([]);
    expect(causes(memslotComplete, trace(steps({ ...ofBar, errno: 0 })))).toEqual(['bar-without-slot']);
  });
});
