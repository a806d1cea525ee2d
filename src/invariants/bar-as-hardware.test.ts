import { describe, expect, it } from 'vitest';
import { barAsHardware } from './bar-as-hardware.ts';
import { bar, causes, device, judge, layout, scenario, state, traceOfStates } from './testing/index.ts';

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
