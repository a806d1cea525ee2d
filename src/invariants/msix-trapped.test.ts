import { describe, expect, it } from 'vitest';
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

/** The BAR as it should be: two pieces of mmap and the emulation between them. */
const GOOD = [shown(0n, TABLE), flat(AT + TABLE, 0x40n, EMULATION), shown(TABLE_END, SIZE)];
const good = state({ flatView: GOOD, devices: [placed()] });

describe('msix-trapped', () => {
  it('accepts a table that is emulated, with all else of the BAR direct', () => {
    const slots = [memslot(AT, TABLE, { region: MMAP.name, owner: 'dev0' })];
    const maps = [mapping(AT, TABLE, { region: MMAP.name, owner: 'dev0' })];
    const judged = traceOfStates([{ ...good, memslots: slots, containers: [container(maps)] }]);
    expect(judge(msixTrapped, judged)).toEqual({ causes: [], violations: [], exercised: 1 });
  });

  it('reports a table that the flat view shows of the BAR: directly, or trapped and carried out on the device', () => {
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

  it.each([
    ['ends where the table begins', 0n, TABLE, false],
    ['ends one byte behind that', 0n, TABLE + 1n, true],
    ['begins with the last byte of the table', TABLE_END - 1n, SIZE, true],
    ['begins behind the table', TABLE_END, SIZE, false],
    ['is one byte in the middle', TABLE + 0x20n, TABLE + 0x21n, true],
  ])('looks at the bytes of the table and no other: a piece that %s', (_, from, to, broken) => {
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

  it('counts from where the mmap begins in the BAR', () => {
    const layers = [{ region: MMAP.name, offset: MSIX.tableOffset }];
    const devices = [placed({ layers })];
    const of = (from: bigint) => [flat(AT + TABLE + from, PAGE, MMAP, { offset: from })];
    expect(causes(msixTrapped, traceOfStates([state({ devices, flatView: of(0n) })]))).toEqual([
      'direct-in-flat-view',
    ]);
    expect(causes(msixTrapped, traceOfStates([state({ devices, flatView: of(0x40n) })]))).toEqual([]);
  });

  it('does not mind what others put over the table, nor other BARs and devices', () => {
    const other = device([bar(0, SIZE, { address: AT, device: 'dev1' })], undefined, { id: 'dev1' });
    const views = [
      [flat(AT, SIZE, region('overlay'))],
      [flat(AT, SIZE, region('dev1 BAR 0 mmaps[0]', 'ram-device', 'dev1'))],
      [flat(AT, SIZE, region('dev0 BAR 1 mmaps[0]', 'ram-device', 'dev0'))],
      [flat(AT, SIZE, region('somebody else', 'ram-device', 'dev9'))],
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

  describe('a neighbour that is longer than what it decodes', () => {
    /** BAR 1 has 0x800 bytes at `at`; its wrapper shows `size` bytes from `offset` on. */
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

    it('hides the table', () => {
      const judged = judge(msixTrapped, stretched(0x800n, 0x800n, AT + TABLE - 0x800n));
      expect(judged.causes).toEqual(['shadowed-by-stretched-bar']);
      expect(judged.violations[0]!.at).toEqual({ start: AT + TABLE, end: AT + TABLE_END });
    });

    it('hides it also where it is not mapped at all', () => {
      expect(causes(msixTrapped, stretched(0x400n, 0x800n, undefined))).toEqual([
        'shadowed-by-stretched-bar',
      ]);
    });

    it('is told apart when it lies at a page boundary beside the BAR that it hides', () => {
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

    it('is no news while the VMM dies of moving it', () => {
      const [step] = stretched(0x800n, 0x800n, AT + TABLE - 0x800n).steps;
      const ruins = traceOfStates([good, step!.state], { outcome: 'aborted' });
      expect(causes(msixTrapped, ruins)).toEqual([]);
      expect(causes(msixTrapped, traceOfStates([step!.state, good], { outcome: 'aborted' }))).toEqual([
        'shadowed-by-stretched-bar',
      ]);
    });

    it('may touch it, or lie over it with addresses of its own', () => {
      const at = AT + TABLE - 0x800n;
      expect(causes(msixTrapped, stretched(0x700n, 0x100n, at))).toEqual([]);
      expect(causes(msixTrapped, stretched(0x840n, 0x100n, at))).toEqual([]);
      expect(causes(msixTrapped, stretched(0x7ffn, 0x1n, at))).toEqual([]);
      expect(causes(msixTrapped, stretched(0x7ffn, 0x2n, at))).toEqual(['shadowed-by-stretched-bar']);
    });
  });

  it('looks at every state, and says of which step it speaks', () => {
    const bad = state({ flatView: [shown(0n, SIZE)], devices: [placed()] });
    const judged = judge(msixTrapped, traceOfStates([good, bad, bad, good]));
    expect(judged).toMatchObject({
      exercised: 3,
      violations: [{ step: 1, at: { start: AT, end: AT + SIZE } }],
    });
    expect(judged.violations[0]!.message).toBe(
      'accesses to the MSI-X table of dev0 at [0xc0000000, 0xc000ffff] "dev0 BAR 0 mmaps[0]" ' +
        'reach the device directly',
    );
  });

  it('has nothing to say of machines that do without, of BARs that are off, of I/O, of devices without MSI-X', () => {
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

  it('judges runs that ended badly, too: what is direct is so already', () => {
    const bad = state({ flatView: [shown(0n, SIZE)], devices: [placed()] });
    for (const outcome of ['aborted', 'rejected'] as const) {
      expect(causes(msixTrapped, traceOfStates([bad], { outcome }))).toEqual(['direct-in-flat-view']);
    }
  });

  it('wants somebody to answer for the table of a BAR that is mapped', () => {
    const flatView = [shown(0n, TABLE), shown(TABLE_END, SIZE)];
    expect(causes(msixTrapped, traceOfStates([state({ flatView, devices: [placed()] })]))).toHaveLength(1);
  });

  it('wants byte n of the emulation at byte n of the table', () => {
    const emulation = flat(AT + TABLE, 0x30n, EMULATION, { offset: 0x10n });
    const flatView = [shown(0n, TABLE), emulation];
    expect(causes(msixTrapped, traceOfStates([state({ flatView, devices: [placed()] })]))).toHaveLength(1);
  });

  it('finds a stretched neighbour behind a window that moves addresses', () => {
    const window = 0x2000_0000_0000n;
    const wrapper = region('dev0 base BAR 1', 'io', 'dev0');
    const flatView = [
      flat(window + AT, TABLE, MMAP),
      flat(window + AT + TABLE, 0x800n, wrapper, { offset: 0x800n }),
    ];
    const bars = [bar(0, SIZE, { address: AT }), bar(1, 0x800n, { address: AT + TABLE - 0x800n })];
    const judged = traceOfStates([state({ flatView, devices: [device(bars, MSIX)] })]);
    expect(causes(msixTrapped, judged)).toEqual(['shadowed-by-stretched-bar']);
  });
});
