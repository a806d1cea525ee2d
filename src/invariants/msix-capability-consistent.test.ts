import { describe, expect, it } from 'vitest';
import { msixCapabilityConsistent } from './msix-capability-consistent.ts';
import {
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

const SIZE = 0x1_0000n;
type Layout = ReturnType<typeof layout>;
type Bars = readonly ReturnType<typeof bar>[];

/** The device: BAR 0 of 64 KiB with two vectors, the table at 0x2000. */
const PHYSICAL = scenario({
  devices: [
    {
      id: 'dev0',
      bars: [{ index: 0, size: '0x10000', type: 'mem32' }],
      msix: { vectors: 2, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' },
    },
  ],
});
const BAR = bar(0, SIZE);

const shows = (msix: Layout | undefined, bars: Bars = [BAR], more: Parameters<typeof device>[2] = {}) =>
  traceOfStates([state({ devices: [device(bars, msix, more)] })], { scenario: PHYSICAL });
const of = (...args: Parameters<typeof shows>) => causes(msixCapabilityConsistent, shows(...args));

describe('msix-capability-consistent', () => {
  it('accepts table and PBA inside their BAR, up to its last byte', () => {
    expect(judge(msixCapabilityConsistent, shows(layout(2, 0x2000n, 0x3000n)))).toMatchObject({
      causes: [],
      exercised: 1,
    });
    expect(of(layout(2, 0x2000n, SIZE - 8n))).toEqual([]);
    expect(of(layout(64, 0x2000n, SIZE - 8n))).toEqual([]);
  });

  it.each([
    ['a table that ends 8 bytes beyond the BAR', layout(2, SIZE - 24n, 0x3000n)],
    ['a table that begins beyond the BAR', layout(2, SIZE, 0x3000n)],
    ['a PBA that begins where the BAR ends', layout(2, 0x2000n, SIZE)],
    ['a PBA of 65 vectors that ends beyond the BAR', layout(65, 0x2000n, SIZE - 8n)],
    ['the table of the seed thread, far beyond its BAR', layout(2, 0xff_0000n, 0xff_f000n)],
  ])('reports %s', (_, msix) => {
    expect(of(msix, [BAR], { emulatedAt: undefined })).toEqual(['outside-bar']);
  });

  it('accepts the last offsets inside the BAR', () => {
    expect(of(layout(2, SIZE - 32n, 0x3000n), [BAR], { emulatedAt: undefined })).toEqual([]);
    expect(of(layout(128, 0x2000n, SIZE - 16n))).toEqual([]);
    expect(of(layout(129, 0x2000n, SIZE - 16n))).toEqual(['outside-bar']);
  });

  it('reports a BIR of a missing BAR, and a reserved BIR', () => {
    for (const bars of [
      [1, 0],
      [0, 1],
      [5, 5],
    ] as const) {
      expect(of(layout(2, 0x2000n, 0x3000n, bars))).toEqual(['no-such-bar']);
    }
    for (const bars of [
      [6, 0],
      [0, 6],
      [7, 7],
    ] as const) {
      expect(of(layout(2, 0x2000n, 0x3000n, bars))).toEqual(['reserved-bir']);
    }
  });

  it('reports a table that overlaps the PBA in the same BAR', () => {
    const none = { emulatedAt: undefined };
    const both = (vectors: number, table: bigint, pba: bigint) =>
      of(layout(vectors, table, pba), [BAR], none);
    expect(both(2, 0x2000n, 0x2000n)).toEqual(['table-over-pba']);
    expect(both(2, 0x2000n, 0x2018n)).toEqual(['table-over-pba']);
    expect(both(2, 0x2000n, 0x2020n)).toEqual([]);
    expect(both(64, 0x2008n, 0x2000n)).toEqual([]);
    expect(both(65, 0x2008n, 0x2000n)).toEqual(['table-over-pba']);
    expect(of(layout(2, 0x2000n, 0x2000n, [0, 2]), [BAR, bar(2, SIZE)])).toEqual([]);
  });

  it('reports a table that is emulated elsewhere, but not a table without emulation', () => {
    const msix = layout(2, 0x2000n, 0x3000n);
    expect(of(msix, [BAR], { emulatedAt: { bar: 0, offset: 0x2010n } })).toEqual(['emulated-elsewhere']);
    expect(of(msix, [BAR], { emulatedAt: { bar: 1, offset: 0x2000n } })).toEqual(['emulated-elsewhere']);
    expect(of(msix, [BAR], { emulatedAt: undefined })).toEqual([]);
  });

  describe('for a relocated table', () => {
    const larger = bar(0, 2n * SIZE);

    it('accepts the upper half of a doubled BAR, and a new BAR', () => {
      expect(of(layout(2, SIZE, SIZE + 0x20n), [larger])).toEqual([]);
      expect(of(layout(2, 0n, 0x20n, [2, 2]), [BAR, bar(2, 0x1000n)])).toEqual([]);
    });

    it('reports a table that covers one byte of device registers', () => {
      expect(of(layout(2, SIZE - 8n, SIZE + 0x20n), [larger])).toEqual(['over-live-registers']);
      expect(of(layout(2, 0n, SIZE + 0x20n), [larger])).toEqual(['over-live-registers']);
    });

    it('accepts a table at its own place, and a table without emulation', () => {
      expect(of(layout(4, 0x2000n, SIZE), [larger])).toEqual([]);
      expect(of(layout(2, 0n, SIZE), [larger], { emulatedAt: undefined })).toEqual([]);
    });

    it('takes a table that the scenario does not have for relocated', () => {
      const judged = { ...shows(layout(2, 0n, 0x20n)), scenario: scenario() };
      expect(causes(msixCapabilityConsistent, judged)).toEqual([]);
      const withoutMsix = scenario({
        devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x10000', type: 'mem32' }] }],
      });
      expect(causes(msixCapabilityConsistent, { ...judged, scenario: withoutMsix })).toEqual([
        'over-live-registers',
      ]);
    });
  });

  it('names the guest addresses of the place, if the BAR is mapped', () => {
    const larger = bar(0, 2n * SIZE, { address: 0x8000_0000n });
    const shown = flat(0x8000_0000n, 2n * SIZE, region(larger.layers[0]!.region, 'io', 'dev0'));
    const devices = [device([larger], layout(2, 0x100n, SIZE + 0x20n))];
    const judged = traceOfStates([state({ devices, flatView: [shown] })], { scenario: PHYSICAL });
    const { violations } = judge(msixCapabilityConsistent, judged);
    expect(violations.map(({ cause, at }) => [cause, at])).toEqual([
      ['over-live-registers', { start: 0x8000_0100n, end: 0x8000_0120n }],
    ]);
  });

  it('does not charge the VMM with a table over a PBA that the device itself has', () => {
    const own = scenario({
      devices: [
        {
          id: 'dev0',
          bars: [{ index: 0, size: '0x10000', type: 'mem32' }],
          msix: { vectors: 2, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x2000' },
        },
      ],
    });
    const judged = (msix: Layout) => ({ ...shows(msix, [BAR], { emulatedAt: undefined }), scenario: own });
    expect(causes(msixCapabilityConsistent, judged(layout(2, 0x2000n, 0x2000n)))).toEqual([]);
    expect(causes(msixCapabilityConsistent, judged(layout(2, 0x3000n, 0x3000n)))).toEqual(['table-over-pba']);
  });

  it('names the place in the capability', () => {
    const { violations } = judge(msixCapabilityConsistent, shows(layout(2, 0x2000n, SIZE)));
    expect(violations[0]!.message).toBe(
      'the MSI-X capability of dev0 places the PBA at [0x10000, 0x10007] of BAR 0, beyond the end of the BAR',
    );
  });

  it('checks each device once, at cold plug or hotplug, after every outcome', () => {
    const bad = device([BAR], layout(2, 0x2000n, SIZE));
    const other = device([BAR], layout(2, 0x2000n, SIZE), { id: 'dev1' });
    const states = [state(), state({ devices: [bad] }), state({ devices: [bad, other] })];
    const judged = traceOfStates(states, { scenario: PHYSICAL, outcome: 'aborted' });
    expect(judge(msixCapabilityConsistent, judged)).toMatchObject({
      exercised: 2,
      violations: [{ step: 1 }],
    });
  });

  it('checks nothing of devices without MSI-X', () => {
    expect(saysNothing(msixCapabilityConsistent, shows(undefined))).toBe(true);
    expect(saysNothing(msixCapabilityConsistent, traceOfStates([state()]))).toBe(true);
  });

  it('reports a relocated PBA over device registers', () => {
    expect(of(layout(2, SIZE, 0n), [bar(0, 2n * SIZE)])).toEqual(['over-live-registers']);
  });

  it('reports a PBA that is emulated elsewhere', () => {
    const msix = layout(2, 0x2000n, 0x3000n);
    const at = (bar: number, offset: bigint) => of(msix, [BAR], { pbaAt: { bar, offset } });
    expect(at(0, 0x3000n)).toEqual([]);
    expect(at(0, 0x3008n)).toEqual(['pba-emulated-elsewhere']);
    expect(at(1, 0x3000n)).toEqual(['pba-emulated-elsewhere']);
  });

  it('reports an emulated table that is longer than its entries', () => {
    const table = region('msix-table', 'io', 'dev0');
    const shown = (size: bigint, owner = table) =>
      causes(
        msixCapabilityConsistent,
        traceOfStates(
          [
            state({
              flatView: [flat(0x2000n, size, owner)],
              devices: [device([BAR], layout(2, 0x2000n, 0x3000n))],
            }),
          ],
          { scenario: PHYSICAL },
        ),
      );
    expect(shown(32n)).toEqual([]);
    expect(shown(33n)).toEqual(['swallows-registers']);
    expect(shown(33n, region('msix-table', 'io', 'dev9'))).toEqual([]);
    expect(shown(33n, region('dev0 BAR 0', 'io', 'dev0'))).toEqual([]);
  });
});

describe('msix-capability-consistent for the emulated PBA and a reset', () => {
  const BASE = 0x8000_0000n;
  const mapped = bar(0, SIZE, { address: BASE });
  const own = region('dev0 BAR 0', 'io', 'dev0');
  const pba = region('msix-pba', 'io', 'dev0');
  const withPba = (bytes: bigint, shown = pba) =>
    causes(
      msixCapabilityConsistent,
      traceOfStates(
        [
          state({
            devices: [
              device([mapped], layout(128, 0x2000n, 0x3000n), { pbaAt: { bar: 0, offset: 0x3000n } }),
            ],
            flatView: [
              flat(BASE, 0x3000n, own),
              flat(BASE + 0x3000n, bytes, shown),
              flat(BASE + 0x3000n + bytes, SIZE - 0x3000n - bytes, own, { offset: 0x3000n + bytes }),
            ],
          }),
        ],
        { scenario: PHYSICAL },
      ),
    );

  it('reports a PBA whose last bytes are those of the device', () => {
    expect(withPba(16n)).not.toContain('pba-cut-short');
    expect(withPba(8n)).toContain('pba-cut-short');
  });

  it('lets another BAR hide the first bytes of a PBA that is not emulated', () => {
    expect(withPba(8n, region('dev0 BAR 1', 'io', 'dev0'))).not.toContain('pba-cut-short');
    expect(withPba(8n, region('dev1 BAR 0', 'io', 'dev1'))).not.toContain('pba-cut-short');
  });

  it('reports MSI-X that stays enabled over a reset', () => {
    const after = (enabled: boolean) => {
      const msix = device([BAR], layout(2, 0x2000n, 0x3000n));
      const on = state({ devices: [{ ...msix, msix: { ...msix.msix!, enabled } }] });
      return causes(msixCapabilityConsistent, traceOfStates([on, on], { scenario: PHYSICAL }));
    };
    expect(after(false)).toEqual([]);
    expect(after(true)).toEqual(['enabled-after-reset']);
  });

  it('names the last bytes of the PBA, and the device whose MSI-X stays enabled', () => {
    const cut = (
      bars: Bars,
      pbaAt = { bar: 0, offset: 0x3000n },
      view?: readonly ReturnType<typeof flat>[],
    ) =>
      judge(
        msixCapabilityConsistent,
        traceOfStates(
          [
            state({
              devices: [device(bars, layout(128, 0x2000n, 0x3000n), { pbaAt })],
              flatView: view ?? [
                flat(BASE + 0x3000n, 8n, pba),
                flat(BASE + 0x3008n, SIZE - 0x3008n, own, { offset: 0x3008n }),
              ],
            }),
          ],
          { scenario: PHYSICAL },
        ),
      ).violations.filter(({ cause }) => cause === 'pba-cut-short');
    const found = {
      message:
        'the last bytes of the PBA of dev0, at [0x80003008, 0x8000ffff] "dev0 BAR 0", are those of the device',
      at: { start: BASE + 0x3008n, end: BASE + 0x3010n },
    };
    expect(cut([mapped])).toMatchObject([found]);
    expect(cut([bar(2, SIZE, { address: 0n }), mapped])).toMatchObject([found]);
    expect(cut([mapped], { bar: 1, offset: 0x3000n })).toEqual([]);
    // Nothing answers at the first byte, or at the last, or something of another device does.
    const rest = flat(BASE + 0x300cn, 0x100n, own, { offset: 0x300cn });
    const first = flat(BASE + 0x3000n, 8n, pba);
    const at0 = { bar: 0, offset: 0x3000n };
    expect(cut([mapped], at0, [flat(BASE + 0x3008n, 4n, pba), rest])).toEqual([]);
    expect(cut([mapped], at0, [first])).toEqual([]);
    expect(cut([mapped], at0, [first, { ...rest, region: { ...own, owner: 'dev1' } }])).toEqual([]);
    expect(cut([mapped], at0, [{ ...first, region: { ...pba, owner: 'dev1' } }, rest])).toEqual([]);
    expect(cut([mapped], at0, [first, rest])).toHaveLength(1);
  });

  it('looks at the PBA again when its BAR moves', () => {
    const of128 = (each: ReturnType<typeof bar>) =>
      device([each], layout(128, 0x2000n, 0x3000n), { pbaAt: { bar: 0, offset: 0x3000n } });
    const flatView = [flat(BASE + 0x3000n, 8n, pba), flat(BASE + 0x3008n, 8n, own, { offset: 0x3008n })];
    const states = [
      state({ devices: [of128(BAR)], flatView }),
      state({ devices: [of128(mapped)], flatView }),
    ];
    const { violations } = judge(msixCapabilityConsistent, traceOfStates(states, { scenario: PHYSICAL }));
    expect(violations.map(({ cause, step }) => [cause, step])).toContainEqual(['pba-cut-short', 1]);
  });

  it('looks at the PBA again when the region that hid its end is gone', () => {
    const devices = [device([mapped], layout(128, 0x2000n, 0x3000n), { pbaAt: { bar: 0, offset: 0x3000n } })];
    const first = flat(BASE + 0x3000n, 8n, pba);
    const over = flat(BASE + 0x3008n, 8n, region('overlay', 'io'));
    const end = flat(BASE + 0x3008n, 8n, own, { offset: 0x3008n });
    const states = [over, end].map((last) => state({ devices, flatView: [first, last] }));
    const { violations } = judge(msixCapabilityConsistent, traceOfStates(states, { scenario: PHYSICAL }));
    expect(violations).toMatchObject([{ cause: 'pba-cut-short', step: 1 }]);
  });

  it('reports MSI-X that is enabled after a reset, and after nothing else', () => {
    const quiet = device([BAR], undefined, { id: 'dev1' });
    const msix = device([BAR], layout(2, 0x2000n, 0x3000n));
    const on = state({ devices: [quiet, { ...msix, msix: { ...msix.msix!, enabled: true } }] });
    const judged = traceOfStates([on, on, on], { scenario: PHYSICAL });
    expect(judge(msixCapabilityConsistent, judged).violations).toMatchObject([
      { cause: 'enabled-after-reset', message: 'MSI-X of dev0 is enabled after a reset', step: 1 },
    ]);
    const enable = { op: 'enable-msix', device: 'dev0' } as const;
    const enabling = { ...judged, steps: [judged.steps[0]!, { ...judged.steps[1]!, operation: enable }] };
    expect(causes(msixCapabilityConsistent, enabling)).toEqual([]);
    const died = traceOfStates([on, on], { scenario: PHYSICAL, outcome: 'aborted' });
    expect(causes(msixCapabilityConsistent, died)).toEqual([]);
  });
});

describe('the message of msix-capability-consistent', () => {
  const words = (...args: Parameters<typeof shows>) =>
    judge(msixCapabilityConsistent, shows(...args)).violations.map(({ message }) => message);
  const none = { emulatedAt: undefined };

  it('names the place in the capability', () => {
    expect(words(layout(2, SIZE, 0x3000n), [BAR], none)).toEqual([
      'the MSI-X capability of dev0 places the table at [0x10000, 0x1001f] of BAR 0, beyond the end of the BAR',
    ]);
    expect(words(layout(2, 0x2000n, 0x3000n, [6, 0]), [BAR], none)).toEqual([
      'the MSI-X capability of dev0 places the table at [0x2000, 0x201f] of BAR 6, a reserved BIR',
    ]);
    expect(words(layout(2, 0x2000n, 0x3000n, [0, 1]), [BAR], none)).toEqual([
      'the MSI-X capability of dev0 places the PBA at [0x3000, 0x3007] of BAR 1, a BAR that the device does not have',
    ]);
    expect(words(layout(2, 0x2000n, 0x2000n), [BAR], none)).toEqual([
      'table and PBA overlap in the MSI-X capability of dev0',
    ]);
  });

  it('names both places where the emulation is elsewhere', () => {
    const msix = layout(2, 0x2000n, 0x3000n);
    expect(words(msix, [BAR], { emulatedAt: { bar: 0, offset: 0x2010n } })).toEqual([
      'the MSI-X table of dev0 is emulated at 0x2010 of BAR 0, but the capability places it at 0x2000 of BAR 0',
    ]);
    expect(words(msix, [BAR], { pbaAt: { bar: 0, offset: 0x3008n } })).toEqual([
      'the PBA of dev0 is emulated at 0x3008 of BAR 0, but the capability places it at 0x3000 of BAR 0',
    ]);
  });

  it('names what a relocated table covers, also if the PBA has stayed', () => {
    expect(words(layout(2, 0x100n, 0x3000n))).toEqual([
      'the relocated table of dev0 covers device registers of BAR 0',
    ]);
  });

  it('names what an emulated table swallows, also if the device comes later', () => {
    const flatView = [flat(0x2000n, 33n, region('msix-table', 'io', 'dev0'))];
    const plugged = (msix: Layout | undefined) => state({ flatView, devices: [device([BAR], msix)] });
    const after = (msix: Layout | undefined) =>
      judge(
        msixCapabilityConsistent,
        traceOfStates([state({ flatView }), plugged(msix)], { scenario: PHYSICAL }),
      ).violations;
    expect(after(layout(2, 0x2000n, 0x3000n))).toMatchObject([
      {
        cause: 'swallows-registers',
        message:
          '[0x2000, 0x2020] "msix-table" of dev0 traps device registers after the 2 entries of the MSI-X table',
        step: 1,
      },
    ]);
    expect(after(undefined)).toEqual([]);
  });

  it('goes by the addresses of the BAR that the capability names', () => {
    const bars = [bar(0, SIZE, { address: 0x8000_0000n }), bar(2, SIZE, { address: 0x9000_0000n })];
    const judged = shows(layout(2, SIZE, 0x3000n, [2, 0]), bars, none);
    expect(judge(msixCapabilityConsistent, judged).violations).toMatchObject([
      { cause: 'outside-bar', at: { start: 0x9001_0000n, end: 0x9001_0020n } },
    ]);
  });

  it('compares with the layout of the same device, if the scenario has one', () => {
    const bars = [{ index: 0, size: '0x10000', type: 'mem32' }];
    const msix = { vectors: 2, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x2000' };
    const over = (devices: readonly object[]) =>
      causes(msixCapabilityConsistent, {
        ...shows(layout(2, 0x2000n, 0x2000n), [BAR], none),
        scenario: scenario({ devices }),
      });
    expect(over([{ id: 'dev0', bars, msix }])).toEqual([]);
    expect(
      over([
        { id: 'dev1', bars, msix },
        { id: 'dev0', bars, msix: { ...msix, pbaOffset: '0x3000' } },
      ]),
    ).toEqual(['table-over-pba']);
    expect(
      over([
        { id: 'dev1', bars, msix: { ...msix, pbaOffset: '0x3000' } },
        { id: 'dev0', bars, msix },
      ]),
    ).toEqual([]);
    expect(over([{ id: 'dev0', bars }])).toEqual(['table-over-pba']);
    expect(over([])).toEqual(['table-over-pba']);
  });
});
