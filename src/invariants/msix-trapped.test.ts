import { describe, expect, it } from 'vitest';
import type { State } from '../trace/index.ts';
import { msixTrapped } from './msix-trapped.ts';
import {
  END,
  PAGE,
  bar,
  causes,
  container,
  device,
  flat,
  judge,
  layout,
  mapping,
  memslot,
  region,
  saysNothing,
  scenario,
  state,
  traceOfStates,
} from './testing/index.ts';

const AT = 0xc000_0000n;
const SIZE = 0x1_0000n;
const TABLE = 0x2000n;
/** Four vectors: 0x40 bytes. */
const TABLE_END = TABLE + 0x40n;
const MSIX = layout(4, TABLE, 0x3000n);

const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
const TRAPPED = region('dev0 BAR 0', 'io', 'dev0');
const EMULATION = region('msix-table', 'io', 'dev0');

const placed = (more: object = {}) => device([bar(0, SIZE, { address: AT, ...more })], MSIX);
const shown = (from: bigint, to: bigint, of = MMAP) => flat(AT + from, to - from, of, { offset: from });

/** A correct BAR: two pieces of mmap and the emulated table between them. */
const GOOD = [shown(0n, TABLE), flat(AT + TABLE, 0x40n, EMULATION), shown(TABLE_END, SIZE)];
const good = state({ flatView: GOOD, devices: [placed()] });

describe('msix-trapped', () => {
  it('accepts an emulated table with the rest of the BAR direct-mapped', () => {
    const slots = [memslot(AT, TABLE, { region: MMAP.name, owner: 'dev0' })];
    const maps = [mapping(AT, TABLE, { region: MMAP.name, owner: 'dev0' })];
    const judged = traceOfStates([{ ...good, memslots: slots, containers: [container(maps)] }]);
    expect(judge(msixTrapped, judged)).toEqual({ causes: [], violations: [], exercised: 1 });
  });

  it('reports a device table in the flat view: direct-mapped, or trapped and forwarded to the device', () => {
    const cases = [
      [MMAP, 'direct-in-flat-view'],
      [TRAPPED, 'not-emulated'],
      [region('dev0 base BAR 0', 'io', 'dev0'), 'not-emulated'],
    ] as const;
    for (const [of, cause] of cases) {
      const judged = traceOfStates([state({ flatView: [shown(0n, SIZE, of)], devices: [placed()] })]);
      expect(causes(msixTrapped, judged)).toEqual([cause]);
    }
  });

  it('judges all memory anew when the table moves in its BAR', () => {
    const backing = { region: MMAP.name, owner: 'dev0' };
    const before = {
      ...good,
      memslots: [memslot(AT, TABLE, backing)],
      containers: [container([mapping(AT, TABLE, backing)])],
    };
    const moved = device([bar(0, SIZE, { address: AT })], layout(4, 0x1000n, 0x3000n));
    expect(causes(msixTrapped, traceOfStates([before, { ...before, devices: [moved] }]))).toEqual([
      'direct-in-flat-view',
      'in-memslot',
      'dma-mapped',
    ]);
  });

  it.each([
    ['ends where the table begins', 0n, TABLE, false],
    ['ends one byte after that', 0n, TABLE + 1n, true],
    ['begins with the last byte of the table', TABLE_END - 1n, SIZE, true],
    ['begins after the table', TABLE_END, SIZE, false],
    ['is one byte in the middle', TABLE + 0x20n, TABLE + 0x21n, true],
  ])('checks the bytes of the table and no others: a piece that %s', (_, from, to, broken) => {
    const view = traceOfStates([state({ flatView: [shown(from, to)], devices: [placed()] })]);
    expect(causes(msixTrapped, view)).toEqual(broken ? ['direct-in-flat-view'] : []);
    const shows = { region: MMAP.name, owner: 'dev0', offset: from };
    const slot = memslot(AT + from, to - from, shows);
    const slots = traceOfStates([{ ...good, memslots: [slot] }]);
    expect(causes(msixTrapped, slots)).toEqual(broken ? ['in-memslot'] : []);
    const containers = [container([]), container([mapping(AT + from, to - from, shows)], 'another')];
    expect(causes(msixTrapped, traceOfStates([{ ...good, containers }]))).toEqual(
      broken ? ['dma-mapped'] : [],
    );
  });

  it('takes the offset of the mmap in the BAR into account', () => {
    const layers = [{ region: MMAP.name, offset: MSIX.tableOffset }];
    const devices = [placed({ layers })];
    const of = (from: bigint) => [flat(AT + TABLE + from, PAGE, MMAP, { offset: from })];
    expect(causes(msixTrapped, traceOfStates([state({ devices, flatView: of(0n) })]))).toEqual([
      'direct-in-flat-view',
    ]);
    expect(causes(msixTrapped, traceOfStates([state({ devices, flatView: of(0x40n) })]))).toEqual([]);
  });

  it('accepts other regions over the table, other BARs and other devices', () => {
    const other = device([bar(0, SIZE, { address: AT, device: 'dev1' })], undefined, { id: 'dev1' });
    const views = [
      [flat(AT, SIZE, region('overlay'))],
      [flat(AT, SIZE, region('dev1 BAR 0 mmaps[0]', 'ram-device', 'dev1'))],
      [flat(AT, SIZE, region('dev0 BAR 1 mmaps[0]', 'ram-device', 'dev0'))],
      [flat(AT, SIZE, region('dev9 BAR 0', 'ram-device', 'dev9'))],
    ];
    for (const flatView of views) {
      const judged = traceOfStates([state({ flatView, devices: [placed(), other] })]);
      expect(judge(msixTrapped, judged)).toMatchObject({ causes: [], exercised: 1 });
    }
    const foreign = { region: MMAP.name, owner: 'dev1' };
    const memslots = [memslot(AT, SIZE, foreign), memslot(END - SIZE, SIZE)];
    const containers = [container([mapping(AT, SIZE, foreign), mapping(0n, SIZE)])];
    expect(causes(msixTrapped, traceOfStates([{ ...good, memslots, containers }]))).toEqual([]);
  });

  describe('with a neighbour that answers more addresses than its BAR decodes', () => {
    /** BAR 1 has 0x800 bytes at `at`; its wrapper answers `size` bytes from `offset` on. */
    const stretched = (offset: bigint, size: bigint, at: bigint | undefined) => {
      const wrapper = region('dev0 base BAR 1', 'io', 'dev0');
      const place = AT + TABLE - 0x800n;
      const flatView = [flat(place + offset, size, wrapper, { offset })];
      return traceOfStates([
        state({
          flatView,
          devices: [device([bar(0, SIZE, { address: AT }), bar(1, 0x800n, { address: at })], MSIX)],
        }),
      ]);
    };

    it('reports a hidden table', () => {
      const judged = judge(msixTrapped, stretched(0x800n, 0x800n, AT + TABLE - 0x800n));
      expect(judged.causes).toEqual(['shadowed-by-stretched-bar']);
      expect(judged.violations[0]!.at).toEqual({ start: AT + TABLE, end: AT + TABLE_END });
    });

    it('reports a table that an unmapped BAR hides', () => {
      expect(causes(msixTrapped, stretched(0x400n, 0x800n, undefined))).toEqual([
        'shadowed-by-stretched-bar',
      ]);
    });

    it('has a cause of its own for a BAR that QEMU expanded to its page', () => {
      const page = region('dev0 BAR 1 mmaps[0]', 'ram-device', 'dev0');
      const at = (address: bigint) =>
        causes(
          msixTrapped,
          traceOfStates([
            state({
              flatView: [flat(address, 0x1000n, page)],
              devices: [
                device(
                  [bar(0, 0x800n, { address: AT + 0x800n }), bar(1, 0x800n, { address })],
                  layout(1, 0n, 0x400n),
                ),
              ],
            }),
          ]),
        );
      expect(at(AT)).toEqual(['shadowed-by-page-of-bar']);
      expect(at(AT - 0x400n)).toEqual(['shadowed-by-stretched-bar']);
    });

    it('accepts an overlap in the step in which the VMM dies', () => {
      const [step] = stretched(0x800n, 0x800n, AT + TABLE - 0x800n).steps;
      const dying = traceOfStates([good, step!.state], { outcome: 'aborted' });
      expect(causes(msixTrapped, dying)).toEqual([]);
      expect(causes(msixTrapped, traceOfStates([step!.state, good], { outcome: 'aborted' }))).toEqual([
        'shadowed-by-stretched-bar',
      ]);
    });

    it('accepts a BAR that touches the table, or overlaps it with addresses that it decodes', () => {
      const at = AT + TABLE - 0x800n;
      expect(causes(msixTrapped, stretched(0x700n, 0x100n, at))).toEqual([]);
      expect(causes(msixTrapped, stretched(0x840n, 0x100n, at))).toEqual([]);
      expect(causes(msixTrapped, stretched(0x7ffn, 0x1n, at))).toEqual([]);
      expect(causes(msixTrapped, stretched(0x7ffn, 0x2n, at))).toEqual(['shadowed-by-stretched-bar']);
    });
  });

  it('checks every state and names the step', () => {
    const bad = state({ flatView: [shown(0n, SIZE)], devices: [placed()] });
    const judged = judge(msixTrapped, traceOfStates([good, bad, bad, good]));
    expect(judged).toMatchObject({
      exercised: 3,
      violations: [{ step: 1, at: { start: AT, end: AT + SIZE } }],
    });
    expect(judged.violations[0]!.message).toBe(
      'guest accesses to the MSI-X table of dev0 at [0xc0000000, 0xc000ffff] "dev0 BAR 0 mmaps[0]" ' +
        'reach the device directly',
    );
  });

  it('checks nothing after an opt-out, in unmapped or I/O BARs, and of devices without MSI-X', () => {
    const flatView = [shown(0n, SIZE)];
    const withDevice = (each: ReturnType<typeof device>) =>
      traceOfStates([state({ flatView, devices: [each] })]);
    const broken = state({ flatView, devices: [placed()] });
    expect(saysNothing(msixTrapped, traceOfStates([broken], { optsOutOfMsixEmulation: true }))).toBe(true);
    expect(saysNothing(msixTrapped, withDevice(placed({ address: undefined })))).toBe(true);
    expect(saysNothing(msixTrapped, withDevice(placed({ type: 'io' })))).toBe(true);
    expect(saysNothing(msixTrapped, withDevice(device([bar(0, SIZE, { address: AT })])))).toBe(true);
    const noSuchBar = device([bar(0, SIZE, { address: AT })], layout(4, TABLE, 0x3000n, [7, 7]));
    expect(saysNothing(msixTrapped, withDevice(noSuchBar))).toBe(true);
    expect(saysNothing(msixTrapped, traceOfStates([]))).toBe(true);
  });

  it('reports a direct-mapped table also in the step in which the VMM dies', () => {
    const bad = state({ flatView: [shown(0n, SIZE)], devices: [placed()] });
    for (const outcome of ['aborted', 'rejected'] as const) {
      expect(causes(msixTrapped, traceOfStates([bad], { outcome }))).toEqual(['direct-in-flat-view']);
    }
  });

  it('reports a mapped BAR in which no region answers for the table', () => {
    const flatView = [shown(0n, TABLE), shown(TABLE_END, SIZE)];
    expect(causes(msixTrapped, traceOfStates([state({ flatView, devices: [placed()] })]))).toHaveLength(1);
  });

  it('reports an emulated table that is shifted against the table', () => {
    const emulation = flat(AT + TABLE, 0x30n, EMULATION, { offset: 0x10n });
    const flatView = [shown(0n, TABLE), emulation];
    expect(causes(msixTrapped, traceOfStates([state({ flatView, devices: [placed()] })]))).toHaveLength(1);
  });

  it('finds a hiding neighbour behind a window that shifts addresses', () => {
    const window = 0x2000_0000_0000n;
    const wrapper = region('dev0 base BAR 1', 'io', 'dev0');
    const flatView = [
      flat(window + AT, TABLE, MMAP),
      flat(window + AT + TABLE, 0x800n, wrapper, { offset: 0x800n }),
    ];
    const bars = [bar(0, SIZE, { address: AT }), bar(1, 0x800n, { address: AT + TABLE - 0x800n })];
    const judged = traceOfStates([state({ flatView, devices: [device(bars, MSIX)] })], {
      scenario: scenario({ machine: { type: 'pseries' } }),
    });
    expect(causes(msixTrapped, judged)).toEqual(['shadowed-by-stretched-bar']);
  });

  const BACKING = { region: MMAP.name, owner: 'dev0' };
  const words = (judged: ReturnType<typeof traceOfStates>) =>
    judge(msixTrapped, judged).violations.map(({ cause, message, at, step }) => ({
      cause,
      message,
      at,
      step,
    }));

  it('names the memslot and the mapping, and the step that made them', () => {
    const containers = [container([mapping(AT, SIZE, BACKING)], 'c')];
    const later = { ...good, memslots: [memslot(AT, SIZE, BACKING)], containers };
    const at = { start: AT, end: AT + SIZE };
    expect(words(traceOfStates([good, later]))).toEqual([
      {
        cause: 'in-memslot',
        message: 'the memslot [0xc0000000, 0xc000ffff] holds the MSI-X table of dev0',
        at,
        step: 1,
      },
      {
        cause: 'dma-mapped',
        message: 'the DMA mapping [0xc0000000, 0xc000ffff] of c holds the MSI-X table of dev0',
        at,
        step: 1,
      },
    ]);
  });

  const PLACE = { start: AT + TABLE, end: AT + TABLE_END };

  it('names a table that reaches the device, that is shifted, that nothing answers for', () => {
    const one = (...flatView: readonly ReturnType<typeof flat>[]) =>
      words(traceOfStates([state({ flatView, devices: [placed()] })]));
    expect(one(shown(0n, SIZE, TRAPPED)).map(({ message }) => message)).toEqual([
      'guest accesses to the MSI-X table of dev0 at [0xc0000000, 0xc000ffff] "dev0 BAR 0" reach the device, ' +
        'not the emulated table',
    ]);
    const shifted = flat(AT + TABLE, 0x30n, EMULATION, { offset: 0x10n });
    expect(one(shown(0n, TABLE), shifted)).toEqual([
      {
        cause: 'emulation-shifted',
        message:
          'the emulated MSI-X table of dev0 is at [0xc0002000, 0xc000202f] "msix-table" of dev0, ' +
          'but the capability places it at [0xc0002000, 0xc000203f]',
        at: shifted,
        step: 0,
      },
    ]);
    expect(one(shown(0n, TABLE), shown(TABLE_END, SIZE))).toEqual([
      {
        cause: 'not-answered',
        message: 'no region answers for the MSI-X table of dev0 at [0xc0002000, 0xc000203f]',
        at: PLACE,
        step: 0,
      },
    ]);
  });

  it('accepts the rest of an emulated table whose beginning another region hides', () => {
    const rest = flat(AT + TABLE + 0x10n, 0x30n, EMULATION, { offset: 0x10n });
    const overlay = flat(AT + TABLE, 0x10n, region('overlay'));
    const flatView = [shown(0n, TABLE), overlay, rest, shown(TABLE_END, SIZE)];
    expect(causes(msixTrapped, traceOfStates([state({ flatView, devices: [placed()] })]))).toEqual([]);
  });

  it('asks for an answer only between two ranges of the BAR, and only in the table', () => {
    const between = (left: ReturnType<typeof flat>, right: ReturnType<typeof flat>) =>
      causes(msixTrapped, traceOfStates([state({ flatView: [left, right], devices: [placed()] })]));
    const [low, high] = [shown(0n, TABLE), shown(TABLE_END, SIZE)];
    const others = [
      region('dev1 BAR 0', 'io', 'dev1'),
      region('dev0 BAR 1', 'io', 'dev0'),
      region(MMAP.name, 'ram-device', 'dev1'),
    ];
    expect(between(low, high)).toEqual(['not-answered']);
    for (const other of others) {
      expect(between({ ...low, region: other }, high)).toEqual([]);
      expect(between(low, { ...high, region: other })).toEqual([]);
    }
    expect(between(shown(TABLE, TABLE_END + 0x100n), shown(TABLE_END + 0x200n, SIZE))).toEqual([
      'direct-in-flat-view',
    ]);
    expect(between(low, shown(TABLE_END - 1n, SIZE))).toEqual(['direct-in-flat-view', 'not-answered']);
  });

  it('goes by its own emulated table alone', () => {
    const foreign = flat(AT + TABLE, 0x30n, region('msix-table', 'io', 'dev1'), { offset: 0x10n });
    expect(causes(msixTrapped, traceOfStates([state({ flatView: [foreign], devices: [placed()] })]))).toEqual(
      [],
    );
  });

  it('does not judge the place outside of the windows of the host bridge', () => {
    const far = device([bar(0, SIZE, { address: 1n << 40n })], MSIX);
    const judged = traceOfStates([state({ flatView: GOOD, devices: [far] })], {
      scenario: scenario({ machine: { type: 'pseries' } }),
    });
    expect(judge(msixTrapped, judged)).toMatchObject({ causes: [], exercised: 1 });
  });

  describe('with a neighbour that hides the table,', () => {
    const wrapper = region('dev0 base BAR 1', 'io', 'dev0');
    const BEFORE = AT + TABLE - 0x800n;
    const of = (decoded: bigint, address: bigint | undefined) =>
      device([bar(0, SIZE, { address: AT }), bar(1, decoded, { address })], MSIX);
    const hidden = flat(AT + TABLE, 0x40n, wrapper, { offset: 0x800n });

    it('names it', () => {
      expect(words(traceOfStates([state({ flatView: [hidden], devices: [of(0x800n, BEFORE)] })]))).toEqual([
        {
          cause: 'shadowed-by-stretched-bar',
          message:
            'the MSI-X table of dev0 at [0xc0002000, 0xc000203f] is hidden by [0xc0002000, 0xc000203f] ' +
            '"dev0 base BAR 1", which answers addresses that its BAR does not decode',
          at: PLACE,
          step: 0,
        },
      ]);
    });

    it('looks at it when a device comes or changes, although the view is the same', () => {
      const flatView = [hidden];
      const causesAt = (before: State['devices']) =>
        words(
          traceOfStates([
            state({ flatView, devices: before }),
            state({ flatView, devices: [of(0x800n, BEFORE)] }),
          ]),
        ).map(({ cause, step }) => [cause, step]);
      expect(causesAt([])).toEqual([['shadowed-by-stretched-bar', 1]]);
      expect(causesAt([of(0x1000n, BEFORE)])).toEqual([['shadowed-by-stretched-bar', 1]]);
    });

    it('counts only the bytes that hide the table', () => {
      const asked = (decoded: bigint, size: bigint) =>
        causes(
          msixTrapped,
          traceOfStates([state({ flatView: [flat(BEFORE, size, wrapper)], devices: [of(decoded, BEFORE)] })]),
        );
      // Decodes the whole table, and answers more behind.
      expect(asked(0x840n, 0x1000n)).toEqual([]);
      expect(asked(0x83fn, 0x1000n)).toEqual(['shadowed-by-stretched-bar']);
      // Hides 16 bytes of the table, which the BAR decodes.
      expect(asked(0x810n, 0x810n)).toEqual([]);
      expect(asked(0x80fn, 0x810n)).toEqual(['shadowed-by-stretched-bar']);
    });

    it('takes a BAR that is not mapped for one that decodes nothing', () => {
      const flatView = [flat(BEFORE, 0x1000n, wrapper)];
      expect(
        causes(msixTrapped, traceOfStates([state({ flatView, devices: [of(0x1000n, undefined)] })])),
      ).toEqual(['shadowed-by-stretched-bar']);
      expect(
        causes(msixTrapped, traceOfStates([state({ flatView, devices: [of(0x1000n, BEFORE)] })])),
      ).toEqual([]);
    });

    it('finds the device that owns it', () => {
      const other = device([bar(1, 0x10_0000n, { address: 0n, device: 'dev1' })], undefined, { id: 'dev1' });
      const devices = [other, of(0x800n, BEFORE)];
      expect(causes(msixTrapped, traceOfStates([state({ flatView: [hidden], devices })]))).toEqual([
        'shadowed-by-stretched-bar',
      ]);
      const page = device(
        [bar(0, 0x800n, { address: AT + 0x800n }), bar(1, 0x800n, { address: AT })],
        layout(1, 0n, 0x400n),
      );
      const flatView = [flat(AT, PAGE, region('dev0 BAR 1 mmaps[0]', 'ram-device', 'dev0'))];
      expect(causes(msixTrapped, traceOfStates([state({ flatView, devices: [other, page] })]))).toEqual([
        'shadowed-by-page-of-bar',
      ]);
    });
  });

  it('takes an emulated table right behind the place of the table for none of that table', () => {
    const flatView = [shown(0n, TABLE_END), flat(AT + TABLE_END, 0x40n, EMULATION)];
    expect(causes(msixTrapped, traceOfStates([state({ flatView, devices: [placed()] })]))).toEqual([
      'direct-in-flat-view',
    ]);
  });
});
