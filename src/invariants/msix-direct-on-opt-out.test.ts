import { describe, expect, it } from 'vitest';
import { hex } from '../address/index.ts';
import { msixDirectOnOptOut } from './msix-direct-on-opt-out.ts';
import {
  PAGE,
  PAGE_64K,
  bar,
  causes,
  device,
  flat,
  judge,
  layout,
  region,
  saysNothing,
  scenario,
  state,
  traceOfStates,
} from './testing/index.ts';

const AT = 0xc000_0000n;
const SIZE = 0x1_0000n;
const TABLE = 0x2010n;
const TABLE_END = TABLE + 0x10n;
const MSIX = layout(1, TABLE, 0x2800n);

const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
const TRAPPED = region('dev0 BAR 0', 'io', 'dev0');
const BAR = { index: 0, size: '0x10000', type: 'mem32' };

interface Parts {
  readonly host?: object;
  readonly bar?: object;
  readonly options?: object;
  readonly state?: object;
  /** The layout in the device's own capability. */
  readonly msix?: typeof MSIX;
  /** The layout in the guest's capability; by default the same. */
  readonly told?: typeof MSIX;
  readonly page?: bigint;
  readonly optsOut?: boolean;
}

const asJson = ({ tableOffset, pbaOffset, ...rest }: typeof MSIX) => ({
  ...rest,
  tableOffset: hex(tableOffset),
  pbaOffset: hex(pbaOffset),
});

/** A trace of a machine that opts out, with these flat ranges for the BAR. */
const showing = (flatView: readonly ReturnType<typeof flat>[], parts: Parts = {}) => {
  const page = parts.page ?? PAGE;
  return traceOfStates(
    [
      state({
        flatView,
        devices: [
          device([bar(0, SIZE, { address: AT, ...parts.state })], parts.told ?? parts.msix ?? MSIX, {
            emulatedAt: undefined,
          }),
        ],
      }),
    ],
    {
      optsOutOfMsixEmulation: parts.optsOut ?? true,
      pages: { host: page, iommu: page },
      scenario: scenario({
        ...(parts.host && { host: parts.host }),
        devices: [
          {
            id: 'dev0',
            bars: [
              { ...BAR, ...parts.bar },
              { ...BAR, index: 2 },
            ],
            msix: asJson(parts.msix ?? MSIX),
            options: parts.options ?? {},
          },
        ],
      }),
    },
  );
};
const piece = (from: bigint, to: bigint, of = MMAP, offset = from) =>
  flat(AT + from, to - from, of, { offset });
const whole = [piece(0n, SIZE)];

describe('msix-direct-on-opt-out', () => {
  it('accepts a BAR with one mmap', () => {
    expect(judge(msixDirectOnOptOut, showing(whole))).toMatchObject({ causes: [], exercised: 1 });
  });

  it('reports a table that is trapped by the BAR, its wrapper, or the emulation', () => {
    const regions = [TRAPPED, region('dev0 base BAR 0', 'io', 'dev0')];
    for (const of of regions) {
      expect(causes(msixDirectOnOptOut, showing([piece(0n, SIZE, of)]))).toEqual(['table-trapped']);
    }
    const emulation = piece(TABLE, TABLE_END, region('msix-table', 'io', 'dev0'), 0n);
    expect(causes(msixDirectOnOptOut, showing([emulation]))).toEqual(['table-trapped']);
  });

  it.each([
    ['the last byte before the page', 0x1fffn, 0x2000n, []],
    ['the first byte of the page', 0x2000n, 0x2001n, ['rest-of-page-trapped']],
    ['the byte before the table', 0x200fn, TABLE, ['rest-of-page-trapped']],
    ['the first byte of the table', TABLE, TABLE + 1n, ['table-trapped']],
    ['the last byte of the table', TABLE_END - 1n, TABLE_END, ['table-trapped']],
    ['the byte after the table', TABLE_END, TABLE_END + 1n, ['rest-of-page-trapped']],
    ['the last byte of the page', 0x2fffn, 0x3000n, ['rest-of-page-trapped']],
    ['the first byte after the page', 0x3000n, 0x3001n, []],
  ])(
    'distinguishes the table from the rest of its page, and the page from the rest of the BAR: %s',
    (_, from, to, expected) => {
      expect(causes(msixDirectOnOptOut, showing([piece(from, to, TRAPPED)]))).toEqual(expected);
    },
  );

  it('checks the host page of the table, as far as the BAR reaches', () => {
    const first = [piece(0n, PAGE, TRAPPED)];
    expect(causes(msixDirectOnOptOut, showing(first))).toEqual([]);
    expect(causes(msixDirectOnOptOut, showing(first, { page: PAGE_64K }))).toEqual(['rest-of-page-trapped']);
    // Addresses after a BAR smaller than a page do not belong to the page of the table.
    const small = { state: { size: 0x4000n }, bar: { size: '0x4000' }, page: PAGE_64K };
    const wrapper = region('dev0 base BAR 0', 'io', 'dev0');
    expect(causes(msixDirectOnOptOut, showing([piece(0x4000n, 0x5000n, wrapper)], small))).toEqual([]);
    expect(causes(msixDirectOnOptOut, showing([piece(0x3fffn, 0x5000n, wrapper)], small))).toEqual([
      'rest-of-page-trapped',
    ]);
  });

  it('checks every page that the table touches', () => {
    const across = layout(2, 0x2ff0n, 0x8000n);
    for (const [from, broken] of [
      [0x1000n, false],
      [0x2000n, true],
      [0x3800n, true],
      [0x4000n, false],
    ] as const) {
      expect(
        causes(msixDirectOnOptOut, showing([piece(from, from + 8n, TRAPPED)], { msix: across })),
      ).toEqual(broken ? ['rest-of-page-trapped'] : []);
    }
  });

  it.each(['msix-pba', 'VFIO MSIX PBA'])('finds %s at the place of the PBA in the capability', (name) => {
    const pba = flat(AT + 0x2800n, 8n, region(name, 'io', 'dev0'));
    expect(causes(msixDirectOnOptOut, showing([pba]))).toEqual(['rest-of-page-trapped']);
    const elsewhere = { msix: layout(1, TABLE, 0x3000n) };
    expect(causes(msixDirectOnOptOut, showing([pba], elsewhere))).toEqual([]);
    const otherBar = { msix: layout(1, TABLE, 0x2800n, [0, 2]) };
    expect(causes(msixDirectOnOptOut, showing([pba], otherBar))).toEqual([]);
  });

  it('accepts trapped regions that do not belong to the BAR of the table', () => {
    const others = [
      flat(AT, SIZE, region('overlay', 'io')),
      flat(AT, SIZE, region('dev1 BAR 0', 'io', 'dev1')),
      flat(AT, SIZE, region('a quirk', 'io', 'dev0')),
      flat(AT, SIZE, region('dev0 BAR 1', 'io', 'dev0')),
    ];
    for (const other of others) {
      expect(judge(msixDirectOnOptOut, showing([other]))).toMatchObject({ causes: [], exercised: 1 });
    }
  });

  it('checks every state with another flat view or another device', () => {
    const [good] = showing(whole).steps;
    const [bad] = showing([piece(0n, SIZE, TRAPPED)]).steps;
    const { scenario: of } = showing(whole);
    const judged = traceOfStates([good!.state, { ...good!.state, memslots: [] }, bad!.state, bad!.state], {
      optsOutOfMsixEmulation: true,
      scenario: of,
    });
    expect(judge(msixDirectOnOptOut, judged)).toMatchObject({ exercised: 2, violations: [{ step: 2 }] });
    expect(judge(msixDirectOnOptOut, judged).violations[0]!.message).toContain(
      '[0xc0000000, 0xc000ffff] "dev0 BAR 0" is trapped in a page of the MSI-X table of dev0',
    );
  });

  it.each<[string, Parts]>([
    ['a machine that does not opt out', { optsOut: false }],
    ['a kernel that forbids the mmap', { host: { kernel: 'sparse-msix' } }],
    ['a BAR that cannot be mmapped', { bar: { mmap: false } }],
    ['an I/O BAR', { bar: { type: 'io', mmap: true } }],
    ['sparse areas of the host', { bar: { sparse: [] } }],
    ['a device with x-no-mmap', { options: { 'x-no-mmap': true } }],
    ['a relocated table', { options: { 'x-msix-relocation': 'bar2' } }],
    ['a BAR that is not mapped', { state: { address: undefined } }],
    ['a BAR off the page boundary', { state: { address: AT + 8n } }],
    ['a table that ends one byte beyond the BAR', { state: { size: TABLE_END - 1n } }],
    ['a table in another BAR, which does not exist', { msix: layout(1, TABLE, 0x2800n, [1, 1]) }],
    ['a BAR that the scenario does not have', { bar: { index: 3 } }],
  ])('checks nothing of %s', (_, parts) => {
    expect(saysNothing(msixDirectOnOptOut, showing([piece(0n, SIZE, TRAPPED)], parts))).toBe(true);
  });

  it('checks the table up to the last byte of the BAR', () => {
    const parts: Parts[] = [
      { options: { 'x-no-mmap': false, 'x-msix-relocation': 'off' } },
      { state: { size: TABLE_END } },
    ];
    for (const part of parts) {
      expect(causes(msixDirectOnOptOut, showing([piece(0n, SIZE, TRAPPED)], part))).toEqual([
        'table-trapped',
      ]);
    }
  });

  it('checks nothing of devices without MSI-X, and nothing without a device', () => {
    const without = state({ devices: [device([bar(0, SIZE, { address: AT })])] });
    expect(saysNothing(msixDirectOnOptOut, traceOfStates([without], { optsOutOfMsixEmulation: true }))).toBe(
      true,
    );
    const unknown = { ...showing(whole), scenario: scenario() };
    expect(saysNothing(msixDirectOnOptOut, unknown)).toBe(true);
  });

  it('checks the place of the table in the device, not in the guest’s capability', () => {
    for (const told of [layout(1, 0xff_0000n, 0xff_f000n), layout(1, TABLE, 0x2800n, [7, 5])]) {
      expect(judge(msixDirectOnOptOut, showing(whole, { told }))).toMatchObject({ causes: [], exercised: 1 });
      expect(causes(msixDirectOnOptOut, showing([piece(0n, SIZE, TRAPPED)], { told }))).toEqual([
        'table-trapped',
      ]);
    }
  });

  it('checks a table whose device or BAR comes after the flat ranges there', () => {
    const trapped = showing([piece(0n, SIZE, TRAPPED)]);
    const here = trapped.steps[0]!.state;
    const before = [
      { ...here, devices: [] },
      { ...here, devices: here.devices.map((each) => ({ ...each, bars: [bar(0, SIZE)] })) },
    ];
    for (const first of before) {
      const judged = { ...trapped, steps: traceOfStates([first, here]).steps };
      expect(judge(msixDirectOnOptOut, judged).violations).toMatchObject([
        { cause: 'table-trapped', step: 1 },
      ]);
    }
  });

  it('checks the table of each device by the capability and the BAR of that device', () => {
    const trapped = showing([piece(0n, SIZE, TRAPPED)]);
    const [own] = trapped.scenario.devices;
    const beside = (more: object, first: boolean) => {
      const other = { ...own!, id: 'dev1', ...more };
      const devices = first ? [other, own!] : [own!, other];
      return { ...trapped, scenario: { ...trapped.scenario, devices } };
    };
    for (const more of [{ msix: undefined }, { bars: [] }, { options: { 'x-no-mmap': true } }])
      for (const first of [true, false])
        expect(causes(msixDirectOnOptOut, beside(more as object, first))).toEqual(['table-trapped']);
  });

  it('accepts what another device traps in a region of the same name', () => {
    const foreign = [piece(0n, SIZE, region('dev0 BAR 0', 'io', 'dev1'))];
    expect(judge(msixDirectOnOptOut, showing(foreign))).toMatchObject({ causes: [], exercised: 1 });
  });

  it('finds the emulated table in the BAR that the capability of the guest names', () => {
    const emulation = [flat(AT + TABLE, 0x10n, region('msix-table', 'io', 'dev0'))];
    const told = layout(1, TABLE, 0x2800n, [2, 0]);
    expect(judge(msixDirectOnOptOut, showing(emulation, { told }))).toMatchObject({
      causes: [],
      exercised: 1,
    });
  });

  it('says that the machine opts out', () => {
    const [violation] = judge(msixDirectOnOptOut, showing([piece(0n, SIZE, TRAPPED)])).violations;
    expect(violation!.message).toMatch(/, although the machine opts out of MSI-X emulation$/);
  });
});
