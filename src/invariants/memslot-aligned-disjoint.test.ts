import { describe, expect, it } from 'vitest';
import { gpa, hostAddress, offset } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { memslotAlignedDisjoint } from './memslot-aligned-disjoint.ts';
import {
  END,
  HOST_BASE,
  PAGE,
  PAGE_64K,
  RAM,
  bar,
  causes,
  device,
  flat,
  judge,
  memslot,
  memslotEvent,
  mmapEvent,
  region,
  saysNothing,
  scenario,
  state,
  trace,
  traceOfStates,
  type BackingOptions,
} from './testing/index.ts';

type Slots = readonly ReturnType<typeof memslot>[];

const ALL = [flat(0n, END)];
const shows = (memslots: Slots, flatView = ALL, more: Parameters<typeof traceOfStates>[1] = {}) =>
  traceOfStates([state({ flatView, memslots })], more);
const of = (...memslots: Slots) => causes(memslotAlignedDisjoint, shows(memslots));
/** A slot of RAM whose offset is its guest physical address. */
const slot = (at: bigint, size: bigint, shown: BackingOptions = {}) =>
  memslot(at, size, { offset: at, ...shown });

describe('memslot-aligned-disjoint', () => {
  it('accepts slots of whole pages that touch, up to the end of the address space', () => {
    const judged = shows([slot(0n, PAGE), slot(PAGE, 2n * PAGE), slot(END - PAGE, PAGE)]);
    expect(judge(memslotAlignedDisjoint, judged)).toMatchObject({ causes: [], exercised: 3 });
  });

  it.each([
    ['a byte less than a page', slot(0n, PAGE - 1n)],
    ['a byte more than a page', slot(0n, PAGE + 1n)],
    ['a guest address off the page', slot(1n, PAGE)],
    ['a host address off the page', slot(0n, PAGE, { hostAddress: 0x7f00_0000_0001n })],
    ['no bytes', slot(0n, 0n)],
  ])('reports a slot with %s', (_, each) => {
    expect(of(each)).toEqual(['unaligned']);
  });

  it('compares with the host page', () => {
    const judged = shows([slot(PAGE, PAGE)], ALL, { pages: { host: PAGE_64K } });
    expect(causes(memslotAlignedDisjoint, judged)).toEqual(['unaligned']);
    const finer = shows([slot(PAGE, PAGE)], ALL, { pages: { iommu: PAGE_64K, guest: PAGE_64K } });
    expect(causes(memslotAlignedDisjoint, finer)).toEqual([]);
  });

  it('reports a slot beyond the end of the address space', () => {
    expect(of(slot(END - PAGE, 2n * PAGE))).toEqual(['unaligned', 'not-backed']);
  });

  it('reports slots that share an address', () => {
    expect(of(slot(0n, 2n * PAGE), slot(PAGE, PAGE))).toEqual(['overlapping']);
    expect(of(slot(0n, PAGE), slot(0n, PAGE))).toEqual(['overlapping']);
  });

  it.each<[string, readonly ReturnType<typeof flat>[]]>([
    ['nothing', []],
    ['nothing from the second byte on', [flat(0n, PAGE + 1n)]],
    ['a range that begins a byte later', [flat(PAGE + 1n, END - PAGE - 1n)]],
    ['a range that ends a byte earlier', [flat(PAGE, 2n * PAGE - 1n, RAM, { offset: PAGE })]],
    ['only ranges above', [flat(8n * PAGE, PAGE)]],
    ['another region', [flat(0n, END, region('rom'))]],
    ['the region of the same name of a device', [flat(0n, END, region('ram', 'ram', 'dev0'))]],
    ['another part of the region', [flat(0n, END, RAM, { offset: PAGE })]],
    ['device registers', [flat(0n, END, region('ram', 'io'))]],
  ])('reports a slot where the flat view has %s', (_, view) => {
    const judged = judge(memslotAlignedDisjoint, shows([slot(PAGE, 2n * PAGE)], [...view]));
    expect(judged.causes).toEqual(['not-backed']);
    expect(judged.violations[0]).toMatchObject({
      message: 'the memslot [0x1000, 0x2fff] of "ram" holds other memory than the flat view there',
      at: { start: PAGE, end: 3n * PAGE },
    });
  });

  it('accepts a writable slot of RAM that an alias shows read-only (vfio fact 9.3)', () => {
    const shown = (own: boolean | undefined) => [
      flat(0n, END, { ...region('ram'), ...(own !== undefined && { readonly: own }) }, { readonly: true }),
    ];
    const of = (readonly: boolean, own?: boolean) =>
      causes(memslotAlignedDisjoint, shows([slot(0n, PAGE, { readonly })], shown(own)));
    expect([of(false, false), of(true, false), of(true, true)]).toEqual([[], [], []]);
    expect([of(false, true), of(false)]).toEqual([['wrong-permission'], ['wrong-permission']]);
  });

  it.each(['ram', 'ram-device', 'rom-device'] as const)('accepts slots of %s', (kind) => {
    const view = [flat(0n, END, region('ram', kind))];
    const readonly = kind === 'rom-device';
    expect(causes(memslotAlignedDisjoint, shows([slot(0n, PAGE, { readonly })], view))).toEqual([]);
    const other = causes(memslotAlignedDisjoint, shows([slot(0n, PAGE, { readonly: !readonly })], view));
    expect(other).toEqual(['wrong-permission']);
  });

  it('checks every state that differs, but not the state that a dying VMM leaves', () => {
    const good = state({ flatView: ALL, memslots: [slot(0n, PAGE)] });
    const bad = { ...good, flatView: [] };
    const judged = traceOfStates([good, { ...good, containers: [] }, bad]);
    expect(judge(memslotAlignedDisjoint, judged)).toMatchObject({ exercised: 2, violations: [{ step: 2 }] });
    expect(causes(memslotAlignedDisjoint, traceOfStates([good, bad], { outcome: 'aborted' }))).toEqual([]);
    expect(causes(memslotAlignedDisjoint, traceOfStates([bad, good], { outcome: 'aborted' }))).toEqual([
      'not-backed',
    ]);
    expect(causes(memslotAlignedDisjoint, traceOfStates([bad], { outcome: 'rejected' }))).toEqual([
      'not-backed',
    ]);
  });

  it('checks nothing without a slot', () => {
    expect(saysNothing(memslotAlignedDisjoint, shows([]))).toBe(true);
    expect(saysNothing(memslotAlignedDisjoint, trace([]))).toBe(true);
  });

  it('checks the requests to KVM, not only the slots that KVM accepts', () => {
    const steps = [
      { events: [memslotEvent(slot(0x800n, PAGE), Errno.EINVAL)], state: state({ flatView: ALL }) },
    ];
    expect(causes(memslotAlignedDisjoint, trace(steps, { outcome: 'aborted' }))).toEqual(['unaligned']);
  });

  it('compares the permission with that of the flat view', () => {
    const rom = [flat(0n, END, RAM, { readonly: true })];
    expect(causes(memslotAlignedDisjoint, shows([slot(0n, PAGE)], rom))).toHaveLength(1);
  });

  it('requires one host address for each region', () => {
    const slots = [slot(0n, PAGE), slot(PAGE, PAGE, { hostAddress: 0x7f00_0000_0000n })];
    const judged = shows([{ ...slots[0]!, hostAddress: slots[1]!.hostAddress }, slots[1]!]);
    expect(causes(memslotAlignedDisjoint, judged)).toHaveLength(1);
  });

  describe('for the memory of a device', () => {
    const BAR = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
    const flatView = [flat(0n, PAGE, BAR)];
    const memslots = [memslot(0n, PAGE, { region: BAR.name, owner: 'dev0' })];
    const here = state({ flatView, memslots, devices: [device([])] });

    it('reports a slot after the unplug, even where the flat view still has the region', () => {
      const judged = judge(memslotAlignedDisjoint, traceOfStates([here, { ...here, devices: [] }]));
      expect(judged.violations).toMatchObject([{ cause: 'owner-gone', step: 1 }]);
    });

    it('accepts a slot after a new hotplug', () => {
      const away = { ...here, memslots: [], devices: [] };
      expect(causes(memslotAlignedDisjoint, traceOfStates([here, away, here]))).toEqual([]);
    });
  });

  it('reports a slot number that is requested while it is in use', () => {
    const [one, other] = [slot(0n, PAGE), slot(PAGE, PAGE)].map((each) => ({ ...each, slot: 7 }));
    const gone = { ...one!, size: 0n };
    const of = (...slots: Slots) =>
      causes(memslotAlignedDisjoint, trace([{ events: slots.map((each) => memslotEvent(each)) }]));
    expect(of(one!, other!)).toEqual(['number-in-use']);
    expect(of(one!, gone, other!)).toEqual([]);
    expect(of(one!, { ...other!, slot: 8 })).toEqual([]);
    const refused = [memslotEvent(one!, Errno.EINVAL), memslotEvent(other!)];
    expect(causes(memslotAlignedDisjoint, trace([{ events: refused }]))).toEqual([]);
  });

  it('compares a refused slot that killed the VMM with the flat view at the abort', () => {
    const asked = (offset: bigint, more: object = {}) =>
      causes(
        memslotAlignedDisjoint,
        trace(
          [
            {
              events: [memslotEvent(slot(PAGE, PAGE, { offset }), Errno.EINVAL)],
              state: state({ flatView: ALL }),
            },
          ],
          {
            outcome: 'aborted',
            ...more,
          },
        ),
      );
    expect(asked(0n)).toEqual(['asked-not-backed']);
    expect(asked(PAGE)).toEqual([]);
    expect(asked(0n, { outcome: 'ok' })).toEqual([]);
  });

  it('reports an mmap that is taken back while a memslot shows bytes of it', () => {
    const shown = memslot(16n * PAGE, PAGE, { region: 'dev0 BAR 0 mmaps[0]', owner: 'dev0', offset: PAGE });
    const plugged = state({ devices: [device([bar(0, 4n * PAGE), bar(1, PAGE)])] });
    const munmap = { type: 'munmap', device: 'dev0', bar: 0, offset: offset(0n), size: 4n * PAGE } as const;
    const after = (...events: readonly VmmEvent[]) =>
      causes(
        memslotAlignedDisjoint,
        trace([
          { state: plugged, events: [memslotEvent(shown)] },
          { events, state: state() },
        ]),
      );
    expect(after(munmap)).toEqual(['mmap-gone']);
    expect(after({ ...munmap, offset: offset(PAGE), size: PAGE })).toEqual(['mmap-gone']);
    expect(after({ ...munmap, offset: offset(2n * PAGE), size: PAGE })).toEqual([]);
    expect(after({ ...munmap, bar: 1 })).toEqual([]);
    expect(after({ ...munmap, device: 'dev1' })).toEqual([]);
    expect(after(memslotEvent({ ...shown, size: 0n }), munmap)).toEqual([]);
  });

  it('counts the requests and the slots that it judges, each once for each change', () => {
    const one = slot(0n, PAGE);
    const other = { ...slot(2n * PAGE, PAGE), slot: 1 };
    const [first, second] = [
      state({ flatView: ALL, memslots: [one] }),
      state({ flatView: ALL, memslots: [one, other] }),
    ];
    // The slot of the first state, and then the new one: that below it has not changed.
    expect(judge(memslotAlignedDisjoint, traceOfStates([first, { ...second }])).exercised).toBe(2);
    const requests = trace([{ events: [memslotEvent(one), memslotEvent(other)], state: second }]);
    expect(judge(memslotAlignedDisjoint, requests).exercised).toBe(4);
    const munmap = { type: 'munmap', device: 'dev0', bar: 0, offset: offset(0n), size: PAGE } as const;
    const plugged = state({ devices: [device([bar(0, PAGE)])] });
    expect(
      judge(memslotAlignedDisjoint, trace([{ state: plugged }, { events: [munmap], state: plugged }]))
        .exercised,
    ).toBe(1);
    expect(saysNothing(memslotAlignedDisjoint, trace([{ events: [munmap], state: plugged }]))).toBe(true);
  });

  const words = (judged: Parameters<typeof judge>[1]) =>
    judge(memslotAlignedDisjoint, judged).violations.map(({ cause, message }) => [cause, message]);

  it('names each slot, and what is wrong with it', () => {
    expect(words(shows([slot(0n, 2n * PAGE), slot(PAGE, PAGE)]))).toEqual([
      ['overlapping', 'the memslot [0x1000, 0x1fff] of "ram" overlaps the memslot below it'],
    ]);
    expect(words(shows([slot(1n, PAGE)]))).toEqual([
      ['unaligned', 'the memslot [0x1, 0x1000] of "ram" is not made of whole, aligned host pages'],
    ]);
    const rom = region('ram', 'rom-device');
    expect(words(shows([slot(0n, PAGE)], [flat(0n, END, rom)]))).toEqual([
      ['wrong-permission', 'the memslot [0x0, 0xfff] of "ram" is writable, unlike the flat view there'],
    ]);
    expect(words(shows([slot(0n, PAGE, { readonly: true })]))).toEqual([
      ['wrong-permission', 'the memslot [0x0, 0xfff] of "ram" is read-only, unlike the flat view there'],
    ]);
    const elsewhere = slot(PAGE, PAGE, { hostAddress: 0x7f00_0000_0000n });
    expect(words(shows([slot(0n, PAGE), elsewhere]))).toEqual([
      [
        'wrong-backing',
        'the memslot [0x1000, 0x1fff] of "ram" has another host address than the rest of that region',
      ],
    ]);
  });

  it('takes a ROM device for read-only, although its region is not', () => {
    const rom = { ...region('ram', 'rom-device'), readonly: false };
    expect(words(shows([slot(0n, PAGE)], [flat(0n, END, rom)]))).toHaveLength(1);
  });

  it('names the device that is gone', () => {
    const owned = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
    const here = state({
      flatView: [flat(0n, PAGE, owned)],
      memslots: [memslot(0n, PAGE, { region: owned.name, owner: 'dev0' })],
      devices: [device([])],
    });
    expect(words(traceOfStates([here, { ...here, devices: [] }]))).toEqual([
      [
        'owner-gone',
        'the memslot [0x0, 0xfff] of "dev0 BAR 0 mmaps[0]" holds memory of a device that is unplugged',
      ],
    ]);
  });

  it('names the requests', () => {
    const [one, other] = [slot(0n, PAGE), slot(PAGE, PAGE)].map((each) => ({ ...each, slot: 7 }));
    expect(words(trace([{ events: [memslotEvent(one!), memslotEvent(other!)] }]))).toEqual([
      [
        'number-in-use',
        'the VMM requests slot 7 for [0x1000, 0x1fff] while the slot holds [0x0, 0xfff] of "ram"',
      ],
    ]);
    expect(words(trace([{ events: [memslotEvent(slot(0x800n, PAGE), Errno.EINVAL)] }]))).toEqual([
      ['unaligned', 'the VMM requests a memslot [0x800, 0x17ff] of "ram" that is not aligned to host pages'],
    ]);
    const asked = memslotEvent(slot(PAGE, PAGE, { offset: 0n }), Errno.EINVAL);
    expect(
      words(trace([{ events: [asked], state: state({ flatView: ALL }) }], { outcome: 'aborted' })),
    ).toEqual([
      [
        'asked-not-backed',
        'the VMM requests a memslot [0x1000, 0x1fff] of "ram", but the flat view has other memory there',
      ],
    ]);
    const deletion = memslotEvent(slot(PAGE, 0n, { offset: 0n }), Errno.EINVAL);
    expect(words(trace([{ events: [deletion], state: state() }], { outcome: 'aborted' }))).toEqual([]);
    expect(words(trace([], { outcome: 'aborted' }))).toEqual([]);
  });

  it('names the mmap that is taken back, and the slot of the same device', () => {
    const shown = memslot(16n * PAGE, PAGE, { region: 'dev0 BAR 0 mmaps[0]', owner: 'dev0', offset: PAGE });
    const foreign = memslot(32n * PAGE, PAGE, {
      region: 'dev0 BAR 0 mmaps[0]',
      owner: 'dev1',
      offset: PAGE,
      slot: 1,
    });
    const strange = memslot(48n * PAGE, PAGE, { region: 'dev0 rom', owner: 'dev0', slot: 2 });
    const plugged = state({ devices: [device([bar(0, 4n * PAGE)])] });
    const munmap = { type: 'munmap', device: 'dev0', bar: 0, offset: offset(0n), size: 4n * PAGE } as const;
    const after = (...slots: Slots) =>
      judge(
        memslotAlignedDisjoint,
        trace([
          { state: plugged, events: slots.map((each) => memslotEvent(each)) },
          { events: [munmap], state: state() },
        ]),
      ).violations.map(({ message, at }) => [message, at]);
    expect(after(foreign, strange)).toEqual([]);
    expect(after(foreign, strange, shown)).toEqual([
      [
        'the VMM takes back the mmap of dev0 BAR 0 [0x0, 0x3fff] while the memslot [0x10000, 0x10fff] of ' +
          '"dev0 BAR 0 mmaps[0]" shows it to the guest',
        { start: 16n * PAGE, end: 17n * PAGE },
      ],
    ]);
  });

  it('compares a new slot with those that have not changed', () => {
    const [one, other] = [
      slot(0n, PAGE),
      { ...slot(PAGE, PAGE, { hostAddress: 0x7f00_0000_0000n }), slot: 1 },
    ];
    const before = state({ flatView: ALL, memslots: [one] });
    const judged = traceOfStates([before, { ...before, memslots: [one, other] }]);
    expect(judge(memslotAlignedDisjoint, judged).violations).toMatchObject([
      { cause: 'wrong-backing', step: 1 },
    ]);
  });

  it('reports a slot that begins in front of its memory', () => {
    const view = [flat(PAGE, 3n * PAGE, RAM, { offset: PAGE })];
    expect(causes(memslotAlignedDisjoint, shows([slot(0n, 2n * PAGE)], view))).toEqual(['not-backed']);
  });

  it('lets a request switch the dirty log of a slot in place, and nothing else', () => {
    const one = slot(0n, PAGE);
    const of = (more: object) =>
      causes(
        memslotAlignedDisjoint,
        trace([{ events: [memslotEvent(one), memslotEvent({ ...one, ...more })] }]),
      );
    expect(of({ logDirtyPages: true })).toEqual([]);
    const others = [
      { gpa: gpa(8n * PAGE) },
      { size: 2n * PAGE },
      { hostAddress: hostAddress(HOST_BASE + 8n * PAGE) },
      { readonly: true },
    ];
    for (const other of others) {
      expect(of({ ...other, logDirtyPages: true })).toEqual(['number-in-use']);
      expect(of(other)).toEqual(['number-in-use']);
    }
    expect(of({})).toEqual(['number-in-use']);
  });

  it('says that the log of a slot is lost, and that a slot logs without a migration', () => {
    const logging = { ...slot(0n, PAGE), logDirtyPages: true };
    const gone = { ...logging, size: 0n };
    const lost = trace([{ events: [memslotEvent(logging), memslotEvent(gone)] }]);
    expect(words(lost)).toEqual([
      [
        'log-lost',
        'the VMM deletes the memslot [0x0, 0xfff] of "ram", which logs dirty pages, without fetching the log',
      ],
    ]);
    expect(words(shows([logging]))).toEqual([
      ['logged-in-vain', 'the memslot [0x0, 0xfff] of "ram" logs dirty pages although no migration runs'],
    ]);
  });

  it('reports a log without a migration also where other operations run and the flat view has nothing', () => {
    const logging = { ...slot(0n, PAGE), logDirtyPages: true };
    const judged = shows([logging], [], { scenario: scenario({ operations: [{ op: 'reset' }] }) });
    expect(causes(memslotAlignedDisjoint, judged)).toEqual(['logged-in-vain', 'not-backed']);
  });

  describe('for a BAR that the VMM has mmapped read-only', () => {
    const scenarioWith = (id: string) =>
      scenario({ devices: [{ id, name: 'nic', bars: [{ index: 0, size: '0x1000', type: 'mem32' }] }] });
    const readonlyMmap = (more: object = {}) =>
      ({ ...mmapEvent(0n, PAGE), writable: false, ...more }) as never;
    const shown = (owner: string | undefined, name: string, events: readonly VmmEvent[]) =>
      words(
        trace(
          [
            {
              events,
              state: state({
                flatView: [flat(0n, PAGE, region(name, 'ram-device', owner))],
                memslots: [memslot(0n, PAGE, { region: name, ...(owner !== undefined && { owner }) })],
              }),
            },
          ],
          { scenario: scenarioWith('dev0') },
        ),
      );
    const AREA = 'nic BAR 0 mmaps[12]';

    it('reports a writable slot', () => {
      expect(shown('dev0', AREA, [readonlyMmap()])).toEqual([
        [
          'read-only-bar-writable',
          `the memslot [0x0, 0xfff] of "${AREA}" is writable, although the BAR can only be read`,
        ],
      ]);
    });

    it.each([
      ['after an mmap that the host refused', 'dev0', AREA, readonlyMmap({ errno: Errno.EACCES })],
      ['of memory that is no device’s', undefined, AREA, readonlyMmap()],
      ['of another device of that name', 'dev1', AREA, readonlyMmap()],
      ['of another BAR', 'dev0', 'nic BAR 1 mmaps[0]', readonlyMmap()],
      ['after an mmap of a device that is not known', 'dev0', AREA, readonlyMmap({ device: 'dev7' })],
      ['after a munmap', 'dev0', AREA, readonlyMmap({ type: 'munmap' })],
    ])('accepts one %s', (_, owner, name, event) => {
      expect(shown(owner, name, [event])).toEqual([]);
    });
  });

  describe('while a migration runs', () => {
    const START = { op: 'start-dirty-log' } as const;
    const migrating = scenario({ operations: [START] });
    const memory = (kind: 'ram' | 'ram-device' = 'ram', more: object = {}) => ({
      ...region('ram', kind),
      ...more,
    });
    const migration = (view: readonly ReturnType<typeof flat>[], memslots: Slots) => {
      const shown = state({ flatView: view, memslots });
      const judged = trace([{ state: shown }, { state: { ...shown } }], { scenario: migrating });
      const steps = judged.steps.map((step, at) => (at === 1 ? { ...step, operation: START } : step));
      return { ...judged, steps };
    };
    const migrate = (view: readonly ReturnType<typeof flat>[], memslots: Slots) =>
      words(migration(view, memslots)).filter(([cause]) => cause!.includes('log'));

    it('judges a slot once for its memory, and its log at the start and when the migration begins', () => {
      const judged = migration([flat(0n, END, memory())], [slot(0n, PAGE)]);
      expect(judge(memslotAlignedDisjoint, judged).exercised).toBe(3);
    });

    it('names a slot of RAM that does not log', () => {
      expect(migrate([flat(0n, END, memory())], [slot(0n, PAGE)])).toEqual([
        ['not-logged', 'the memslot [0x0, 0xfff] of "ram" logs no dirty pages while a migration runs'],
      ]);
    });

    it('asks for no log of protected RAM, nor where a slot shows nothing of the flat view', () => {
      expect(migrate([flat(0n, END, memory('ram', { isProtected: true }))], [slot(0n, PAGE)])).toEqual([]);
      expect(migrate([], [slot(0n, PAGE)])).toEqual([]);
      expect(migrate([flat(PAGE, PAGE, memory())], [slot(0n, PAGE)])).toEqual([]);
      expect(migrate([flat(0n, PAGE, memory())], [slot(PAGE, PAGE)])).toEqual([]);
    });
  });
});
