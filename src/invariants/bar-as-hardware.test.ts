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

describe('bar-as-hardware for a VMM that places BARs itself', () => {
  it('reports an address that is no multiple of the size', () => {
    const at = (address: bigint) =>
      causes(barAsHardware, seen([bar(0, 0x4000n, { type: 'mem64', address }), NARROW]));
    expect(at(0x8_0000_4000n)).toEqual([]);
    expect(at(0x8_0000_2000n)).toEqual(['misaligned']);
  });
});

describe('bar-as-hardware for the bit of prefetchable memory', () => {
  it('reports a bit that the device does not have, where the target sees it', () => {
    const of = (prefetchable: boolean) =>
      causes(barAsHardware, seen([bar(0, 0x4000n, { type: 'mem64', prefetchable }), NARROW]));
    expect(of(false)).toEqual([]);
    expect(of(true)).toEqual(['wrong-prefetch']);
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

  it('says nothing about a BAR whose type bits lie among its address bits', () => {
    expect(of(0xffff_fff0n, 0n, 2, [WIDE, bar(2, 8n)])).not.toContain('sized-wrong');
  });
});

describe('bar-as-hardware for the registers at the end', () => {
  const ended = (address: bigint, operations: readonly object[], index = 2) => ({
    ...traceOfStates([state({ devices: [device([WIDE, NARROW])] })], {
      scenario: scenario({ devices: [{ id: 'dev0', bars: BARS, msix: MSIX }], operations }),
    }),
    barRegisters: [{ device: 'dev0', bar: index, address, decoding: true }],
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

  it('says nothing about cloud-hypervisor, which chooses addresses itself', () => {
    expect(causes(barAsHardware, { ...ended(0n, [set]), revision: 'cloud-hypervisor-53.0' })).toEqual([]);
  });
});
