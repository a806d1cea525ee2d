import { describe, expect, it } from 'vitest';
import { barAsHardware } from './bar-as-hardware.ts';
import {
  bar,
  causes,
  device,
  judge,
  layout,
  scenario,
  state,
  trace,
  traceOfStates,
} from './testing/index.ts';

const BARS = [
  { index: 0, size: '0x4000', type: 'mem64' },
  { index: 2, size: '0x1000', type: 'mem32' },
];
const MSIX = { vectors: 1, tableBar: 0, tableOffset: '0x0', pbaBar: 0, pbaOffset: '0x1000' };
const seen = (
  bars: readonly ReturnType<typeof bar>[],
  msix?: ReturnType<typeof layout>,
): ReturnType<typeof traceOfStates> =>
  traceOfStates([state({ devices: [device(bars, msix)] })], {
    scenario: scenario({ devices: [{ id: 'dev0', bars: BARS, msix: MSIX }] }),
  });
const [WIDE, NARROW] = [bar(0, 0x4000n, { type: 'mem64' }), bar(2, 0x1000n)];

describe('bar-as-hardware', () => {
  it('accepts BARs of the type and size of the hardware', () => {
    expect(judge(barAsHardware, seen([WIDE, NARROW]))).toMatchObject({ causes: [], exercised: 2 });
  });

  it.each([
    ['a 64-bit BAR shown as one of 32 bits', [bar(0, 0x4000n), NARROW], 'wrong-type'],
    ['a smaller BAR', [bar(0, 0x2000n, { type: 'mem64' }), NARROW], 'wrong-size'],
    ['a larger BAR', [bar(0, 0x8000n, { type: 'mem64' }), NARROW], 'wrong-size'],
    ['a BAR that is left out', [WIDE], 'missing-bar'],
    ['an upper half that is a BAR of its own', [WIDE, bar(1, 0x1000n), NARROW], 'pair-split'],
    ['a BAR that the device does not have', [WIDE, NARROW, bar(4, 0x1000n)], 'extra-bar'],
  ])('reports %s', (_, bars, cause) => {
    expect(causes(barAsHardware, seen(bars))).toEqual([cause]);
  });

  it('reports a BAR that the guest has resized and the VMM has not', () => {
    expect(causes(barAsHardware, seen([WIDE, { ...NARROW, resizedTo: 0x2000n }]))).toEqual([
      'resized-in-vain',
    ]);
    expect(causes(barAsHardware, seen([WIDE, { ...NARROW, resizedTo: 0x1000n }]))).toEqual([]);
  });

  it('lets a relocated table enlarge its BAR, or have a new one', () => {
    const larger = [bar(0, 0x8000n, { type: 'mem64' }), NARROW];
    expect(causes(barAsHardware, seen(larger, layout(1, 0x4000n, 0x5000n)))).toEqual([]);
    expect(causes(barAsHardware, seen(larger, layout(1, 0n, 0x1000n)))).toEqual(['wrong-size']);
    const added = [WIDE, NARROW, bar(4, 0x1000n)];
    expect(causes(barAsHardware, seen(added, layout(1, 0n, 0x800n, [4, 4])))).toEqual([]);
  });
});

describe('bar-as-hardware', () => {
  const messages = (judged: ReturnType<typeof seen>) =>
    judge(barAsHardware, judged).violations.map(({ message }) => message);

  it('names the BAR, what the guest sees and what the device has', () => {
    expect(messages(seen([WIDE]))).toEqual(['the guest does not see BAR 2 of dev0']);
    expect(messages(seen([bar(0, 0x4000n), NARROW]))).toEqual([
      'the guest sees BAR 0 of dev0 as mem32; the device has mem64',
    ]);
    expect(messages(seen([bar(0, 0x2000n, { type: 'mem64' }), NARROW]))).toEqual([
      'the guest sees 0x2000 bytes of BAR 0 of dev0; the device has 0x4000',
    ]);
    expect(messages(seen([WIDE, bar(1, 0x1000n), NARROW]))).toEqual([
      'the guest sees the upper half of BAR 0 of dev0 as a BAR of its own',
    ]);
    expect(messages(seen([WIDE, NARROW, bar(4, 0x1000n)]))).toEqual([
      'the guest sees BAR 4 of dev0, which the device does not have',
    ]);
    expect(messages(seen([WIDE, { ...NARROW, resizedTo: 0x2000n }]))).toEqual([
      'the guest has given BAR 2 of dev0 0x2000 bytes, and the VMM maps 0x1000',
    ]);
    expect(messages(seen([bar(0, 0x4000n, { type: 'mem64', address: 0x8_0000_2000n }), NARROW]))).toEqual([
      'the VMM puts BAR 0 of dev0 at 0x800002000, which is no multiple of its 0x4000 bytes',
    ]);
  });

  it('takes no BAR behind one of 32 bits for its upper half', () => {
    expect(causes(barAsHardware, seen([WIDE, NARROW, bar(3, 0x1000n)]))).toEqual(['extra-bar']);
  });

  it('also judges the state in which the VMM died', () => {
    expect(causes(barAsHardware, { ...seen([WIDE]), outcome: 'aborted' })).toEqual(['missing-bar']);
  });

  it('says nothing about a device that the scenario does not have', () => {
    const stranger = state({ devices: [device([], undefined, { id: 'dev9' })] });
    expect(judge(barAsHardware, traceOfStates([stranger]))).toMatchObject({ causes: [], exercised: 0 });
  });

  it.each(['io', 'mem32', 'mem32p', 'mem64', 'mem64p'])('knows the type %s', (type) => {
    const of = (shown: 'io' | 'mem32' | 'mem64') =>
      causes(
        barAsHardware,
        traceOfStates([state({ devices: [device([bar(0, 0x100n, { type: shown })])] })], {
          scenario: scenario({ devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x100', type }] }] }),
        }),
      );
    for (const shown of ['io', 'mem32', 'mem64'] as const)
      expect(of(shown)).toEqual(type.startsWith(shown) ? [] : ['wrong-type']);
  });
});

describe('bar-as-hardware for a relocated table or PBA', () => {
  const larger = (index: number) => [
    bar(0, index === 0 ? 0x8000n : 0x4000n, { type: 'mem64' }),
    bar(2, index === 2 ? 0x2000n : 0x1000n),
  ];
  const of = (index: number, guest: ReturnType<typeof layout>) =>
    causes(barAsHardware, seen(larger(index), guest));

  it('lets each of the two enlarge the BAR to which it moved, and no other BAR', () => {
    expect(of(0, layout(1, 0x4000n, 0x1000n))).toEqual([]);
    expect(of(0, layout(1, 0n, 0x5000n))).toEqual([]);
    expect(of(2, layout(1, 0x4000n, 0x1000n))).toEqual(['wrong-size']);
    expect(of(2, layout(1, 0n, 0x5000n))).toEqual(['wrong-size']);
    expect(of(2, layout(1, 0n, 0x1000n, [2, 0]))).toEqual([]);
    expect(of(2, layout(1, 0n, 0x1000n, [0, 2]))).toEqual([]);
    expect(of(0, layout(1, 0n, 0x1000n, [2, 2]))).toEqual(['wrong-size']);
  });

  it('lets neither make a BAR smaller', () => {
    const smaller = [bar(0, 0x2000n, { type: 'mem64' }), NARROW];
    expect(causes(barAsHardware, seen(smaller, layout(1, 0x1000n, 0x1800n)))).toEqual(['wrong-size']);
  });

  it('lets a VMM enlarge no BAR of a device without MSI-X', () => {
    const judged = traceOfStates([state({ devices: [device(larger(0), layout(1, 0x4000n, 0x5000n))] })], {
      scenario: scenario({ devices: [{ id: 'dev0', bars: BARS }] }),
    });
    expect(causes(barAsHardware, judged)).toEqual(['wrong-size']);
  });
});

describe('bar-as-hardware for a VMM that places BARs itself', () => {
  it('reports an address that is no multiple of the size', () => {
    const at = (address: bigint) =>
      causes(barAsHardware, seen([bar(0, 0x4000n, { type: 'mem64', address }), NARROW]));
    expect(at(0x8_0000_4000n)).toEqual([]);
    expect(at(0x8_0000_2000n)).toEqual(['misaligned']);
  });

  it('lets ports lie at any address, and BARs where the guest puts them', () => {
    const ports = [{ index: 0, size: '0x20', type: 'io' }];
    const io = device([bar(0, 0x20n, { type: 'io', address: 0x1010n })]);
    const one = { scenario: scenario({ devices: [{ id: 'dev0', bars: ports }] }) };
    expect(causes(barAsHardware, traceOfStates([state({ devices: [io] })], one))).toEqual([]);
    const [placed, moved] = [0x8_0000_4000n, 0x8_0000_2000n].map((address, index) =>
      state({
        devices: [
          device([bar(0, 0x4000n, { type: 'mem64', address }), NARROW], layout(1, 0n, 0x1000n, [0, index])),
        ],
      }),
    );
    const both = traceOfStates([placed!, moved!], {
      scenario: scenario({ devices: [{ id: 'dev0', bars: BARS, msix: MSIX }] }),
    });
    expect(causes(barAsHardware, both)).toEqual([]);
  });
});

describe('bar-as-hardware for the bit of prefetchable memory', () => {
  it('reports a bit that the device does not have, where the target sees it', () => {
    const of = (prefetchable: boolean) =>
      causes(barAsHardware, seen([bar(0, 0x4000n, { type: 'mem64', prefetchable }), NARROW]));
    expect(of(false)).toEqual([]);
    expect(of(true)).toEqual(['wrong-prefetch']);
  });

  it('says what the device has', () => {
    const of = (type: string, prefetchable: boolean) =>
      judge(
        barAsHardware,
        traceOfStates([state({ devices: [device([bar(0, 0x4000n, { type: 'mem64', prefetchable })])] })], {
          scenario: scenario({ devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type }] }] }),
        }),
      ).violations.map(({ message }) => message);
    expect(of('mem64', true)).toEqual(["the guest sees BAR 0 of dev0 as prefetchable, unlike the device's"]);
    expect(of('mem64p', false)).toEqual([
      "the guest sees BAR 0 of dev0 as not prefetchable, unlike the device's",
    ]);
    expect(of('mem64p', true)).toEqual([]);
  });
});

describe('bar-as-hardware for a guest that sizes a BAR', () => {
  const sized = (wrote: bigint, read: bigint, index = 2, bars = [WIDE, NARROW]) =>
    trace(
      [
        {
          events: [{ type: 'bar-sized', device: 'dev0', bar: index, wrote, read }],
          state: state({ devices: [device(bars)] }),
        },
      ],
      { scenario: scenario({ devices: [{ id: 'dev0', bars: BARS, msix: MSIX }] }) },
    );
  const of = (...args: Parameters<typeof sized>) => causes(barAsHardware, sized(...args));

  it('accepts the bits above the size, also of a guest that writes fewer bits', () => {
    expect(of(0xffff_fff0n, 0xffff_f000n)).toEqual([]);
    expect(of(0xffff_0000n, 0xffff_0000n)).toEqual([]);
    expect(of(0xffff_ffff_ffff_fff0n, 0xffff_ffff_ffff_c000n, 0)).toEqual([]);
  });

  it('reports a bit too few or too many, and a register that keeps its value', () => {
    for (const read of [0xffff_e000n, 0xffff_f800n, 0n, 0xd000_0000n]) {
      expect(of(0xffff_fff0n, read)).toEqual(['sized-wrong']);
    }
    expect(of(0xffff_ffff_ffff_fff0n, 0xffff_c000n, 0)).toEqual(['sized-wrong']);
  });

  it('names the values', () => {
    expect(judge(barAsHardware, sized(0xffff_fff0n, 0n)).violations.map(({ message }) => message)).toEqual([
      'a guest that writes 0xfffffff0 into BAR 2 of dev0 reads 0x0; a BAR of 0x1000 bytes answers 0xfffff000',
    ]);
  });

  it('counts the BARs that it knows', () => {
    // Two of what is counted are the BARs themselves.
    expect(judge(barAsHardware, sized(0xffff_fff0n, 0xffff_f000n)).exercised).toBe(3);
    expect(judge(barAsHardware, sized(0xffff_fff0n, 0n, 4))).toMatchObject({ causes: [], exercised: 2 });
    const late = sized(0xffff_fff0n, 0n);
    const { events } = late.steps[0]!;
    const after = {
      ...late,
      steps: [{ ...late.steps[0]!, events: [] }],
      teardown: { events, containers: [] },
    };
    expect(judge(barAsHardware, after)).toMatchObject({ causes: [], exercised: 2 });
    const gone = state({ devices: [] });
    expect(judge(barAsHardware, { ...late, steps: [{ ...late.steps[0]!, state: gone }] })).toMatchObject({
      causes: [],
      exercised: 0,
    });
  });

  it('looks at the device that the guest asks', () => {
    const late = sized(0xffff_fff0n, 0xffff_f000n);
    const other = device([bar(2, 0x8000n, { device: 'dev1' })], undefined, { id: 'dev1' });
    const [step] = late.steps;
    const two = { ...step!, state: state({ devices: [other, ...step!.state.devices] }) };
    expect(causes(barAsHardware, { ...late, steps: [two] })).toEqual([]);
  });

  it('says nothing about a 64-bit BAR 5, which has no register for its upper half', () => {
    const wide = bar(5, 0x1000n, { type: 'mem64' });
    expect(of(0xffff_fff0n, 0n, 5, [WIDE, NARROW, wide])).not.toContain('sized-wrong');
    expect(of(0xffff_fff0n, 0n, 5, [WIDE, NARROW, bar(5, 0x1000n)])).toContain('sized-wrong');
    expect(of(0xffff_ffff_ffff_fff0n, 0n, 4, [WIDE, NARROW, bar(4, 0x1000n, { type: 'mem64' })])).toContain(
      'sized-wrong',
    );
  });

  it('says nothing about a BAR whose type bits lie among its address bits', () => {
    expect(of(0xffff_fff0n, 0n, 2, [WIDE, bar(2, 8n)])).not.toContain('sized-wrong');
    expect(of(0xffff_fff0n, 0n, 2, [WIDE, bar(2, 16n)])).toContain('sized-wrong');
  });
});

describe('bar-as-hardware for the registers at the end', () => {
  const ended = (address: bigint, operations: readonly object[], index = 2, decoding = false) => ({
    ...traceOfStates([state({ devices: [device([WIDE, NARROW])] })], {
      scenario: scenario({ devices: [{ id: 'dev0', bars: BARS, msix: MSIX }], operations }),
    }),
    barRegisters: [{ device: 'dev0', bar: index, address, decoding }],
  });
  const set = { op: 'set-bar', device: 'dev0', bar: 2, address: '0xd0000010' };
  const of = (...args: Parameters<typeof ended>) => causes(barAsHardware, ended(...args));

  it('accepts what the guest wrote, without the bits below the size', () => {
    expect(of(0xd000_0000n, [set])).toEqual([]);
    expect(of(0n, [set, { op: 'reset' }])).toEqual([]);
    const high = { op: 'set-bar', device: 'dev0', bar: 2, address: '0x1d0000000' };
    expect(of(0xd000_0000n, [high])).toEqual([]);
  });

  it('reports a write that is lost, and a register that a reset did not clear', () => {
    expect(of(0n, [set])).toEqual(['write-lost']);
    expect(of(0xd000_0000n, [set, { op: 'reset' }])).toEqual(['kept-over-reset']);
    expect(of(0xd000_0000n, [])).toEqual(['kept-over-reset']);
  });

  it('reports a reset that leaves memory enabled', () => {
    const [enable, disable] = ['enable-memory', 'disable-memory'].map((op) => ({ op, device: 'dev0' }));
    const replugged = ['unplug', 'hotplug'].map((op) => ({ op, device: 'dev0' }));
    const decodes = (...operations: readonly object[]) => of(0n, operations, 2, true);
    expect(decodes({ op: 'reset' })).toEqual(['decodes-after-reset']);
    expect(decodes(enable!, { op: 'reset' })).toEqual(['decodes-after-reset']);
    expect(decodes(enable!, ...replugged)).toEqual(['decodes-after-reset']);
    expect(decodes({ op: 'reset' }, enable!)).toEqual([]);
    expect(decodes({ op: 'reset' }, disable!)).toEqual([]);
    expect(of(0n, [enable!, { op: 'reset' }])).toEqual([]);
    // A device that is gone has no register, and COMMAND has another bit for BARs of ports.
    const decoding = (bars: readonly ReturnType<typeof bar>[]) => ({
      ...ended(0n, [{ op: 'reset' }], 2, true),
      steps: traceOfStates([state({ devices: bars.length === 0 ? [] : [device(bars)] })]).steps,
    });
    expect(causes(barAsHardware, decoding([]))).not.toContain('decodes-after-reset');
    expect(causes(barAsHardware, decoding([WIDE, { ...NARROW, type: 'io' }]))).toContain(
      'decodes-after-reset',
    );
    const ports = ended(0n, [{ op: 'enable-io', device: 'dev0' }], 2, true);
    const { steps } = decoding([WIDE, { ...NARROW, type: 'io' }]);
    expect(causes(barAsHardware, { ...ports, steps })).not.toContain('decodes-after-reset');
    expect(causes(barAsHardware, decoding([WIDE, NARROW]))).toContain('decodes-after-reset');
    expect(judge(barAsHardware, ended(0n, [{ op: 'reset' }], 2, true)).violations[0]!.message).toBe(
      'the COMMAND register of dev0 enables memory, but a reset clears it',
    );
  });

  it('names the values', () => {
    const messages = (...args: Parameters<typeof ended>) =>
      judge(barAsHardware, ended(...args)).violations.map(({ message }) => message);
    expect(messages(0n, [set])).toEqual([
      'BAR 2 of dev0 has 0x0 in its register, but the guest wrote 0xd0000010',
    ]);
    expect(messages(0xd000_0000n, [set, { op: 'reset' }])).toEqual([
      'BAR 2 of dev0 has 0xd0000000 in its register, but a reset clears it',
    ]);
  });

  it('counts the registers of BARs that are there, larger than their type bits and not a 64-bit BAR 5', () => {
    // COMMAND counts, too, if the guest has not written it.
    const written = [set, { op: 'enable-memory', device: 'dev0' }];
    const counted = (judged: ReturnType<typeof ended>) => judge(barAsHardware, judged).exercised - 2;
    const withBars = (judged: ReturnType<typeof ended>, ...bars: readonly ReturnType<typeof bar>[]) => ({
      ...judged,
      steps: [{ ...judged.steps[0]!, state: state({ devices: [device([WIDE, NARROW, ...bars])] }) }],
    });
    expect(counted(ended(0xd000_0000n, written))).toBe(1);
    expect(counted(ended(0xd000_0000n, [set]))).toBe(2);
    expect(counted(ended(0n, written, 4))).toBe(0);
    // The scenario does not have the BAR.
    expect(counted(withBars(ended(0n, written, 4), bar(4, 0x1000n)))).toBe(0);
    const small = (size: bigint) => {
      const judged = ended(0xd000_0000n, written);
      return {
        ...judged,
        steps: [{ ...judged.steps[0]!, state: state({ devices: [device([WIDE, bar(2, size)])] }) }],
      };
    };
    expect(counted(small(8n))).toBe(0);
    expect(counted(small(16n))).toBe(1);
    const gone = ended(0n, written);
    expect(judge(barAsHardware, { ...gone, steps: [{ ...gone.steps[0]!, state: state() }] })).toMatchObject({
      causes: [],
      exercised: 0,
    });
    expect(judge(barAsHardware, { ...gone, steps: [] })).toMatchObject({ causes: [], exercised: 0 });
  });

  it('looks at the device that has the register', () => {
    const judged = ended(0xd000_0000n, [set]);
    const other = device([bar(2, 0x2000_0000n, { device: 'dev1' })], undefined, { id: 'dev1' });
    const [step] = judged.steps;
    const two = { ...step!, state: state({ devices: [other, ...step!.state.devices] }) };
    expect(causes(barAsHardware, { ...judged, steps: [two] })).toEqual([]);
  });

  it('says nothing about cloud-hypervisor, which chooses addresses itself', () => {
    expect(causes(barAsHardware, { ...ended(0n, [set]), revision: 'cloud-hypervisor-53.0' })).toEqual([]);
  });
});
