import { describe, expect, it } from 'vitest';
import type { Size } from '../address/index.ts';
import { mmappableAreas } from './mmappable-areas.ts';
import { configMirror } from './config-mirror.ts';
import { PAGE, device, layout, scenario } from './testing/index.ts';

const SIZE = 0x4000n;

/** The areas of BAR 0 of 16 KiB, each as its first byte and one past its last. */
function areas(
  bar: object,
  more: {
    readonly msix?: object;
    readonly guest?: ReturnType<typeof layout>;
    readonly options?: object;
  } = {},
): readonly (readonly [bigint, bigint])[] {
  const bars = [
    { index: 0, size: '0x4000', type: 'mem64', ...bar },
    { index: 2, size: '0x4000', type: 'mem64' },
  ];
  const { msix, guest, options = {} } = more;
  const [spec] = scenario({ devices: [{ id: 'dev0', bars, msix, options }] }).devices;
  const seen = guest && device([], guest).msix;
  return mmappableAreas(spec!, spec!.bars[0]!, seen, PAGE as Size).map(({ start, end }) => [start, end]);
}

const msix = (tableOffset: string, pbaOffset: string, more: object = {}) => ({
  msix: { vectors: 1, tableBar: 0, tableOffset, pbaBar: 0, pbaOffset, ...more },
});

describe('the areas that a VMM has no reason to trap', () => {
  it('are the whole BAR, from one page on', () => {
    expect(areas({})).toEqual([[0n, SIZE]]);
    expect(areas({ size: '0x1000' })).toEqual([[0n, PAGE]]);
    expect(areas({ size: '0x800' })).toEqual([]);
  });

  it('are none where the host or the user excludes the BAR', () => {
    expect(areas({ mmap: false })).toEqual([]);
    expect(areas({ mmapError: 'EBUSY' })).toEqual([]);
    expect(areas({ type: 'io', mmap: true })).toEqual([]);
    expect(areas({}, { options: { 'x-no-mmap': true } })).toEqual([]);
    expect(areas({}, { options: { 'x-no-mmap': false } })).toEqual([[0n, SIZE]]);
  });

  it('are the whole pages of the sparse areas, as far as the BAR reaches', () => {
    const sparse = (...list: readonly (readonly [string, string])[]) =>
      areas({ sparse: list.map(([offset, size]) => ({ offset, size })) });
    expect(sparse(['0x800', '0x2000'])).toEqual([[PAGE, 2n * PAGE]]);
    expect(sparse(['0x3000', '0x2000'])).toEqual([[3n * PAGE, SIZE]]);
    expect(sparse(['0x800', '0x1000'], ['0x100', '0x200'])).toEqual([]);
    expect(sparse(['0x5000', '0x1000'])).toEqual([]);
    expect(sparse(['0x0', '0x1000'], ['0x2000', '0x1000'])).toEqual([
      [0n, PAGE],
      [2n * PAGE, 3n * PAGE],
    ]);
    expect(sparse()).toEqual([]);
  });

  it.each<readonly [string, string, string, readonly (readonly [bigint, bigint])[]]>([
    ['at both ends', '0x0', '0x3000', [[PAGE, 3n * PAGE]]],
    ['in the middle', '0x1000', '0x1800', [[0n, PAGE], [2n * PAGE, SIZE]]], // prettier-ignore
    ['in two pages', '0x1000', '0x2000', [[0n, PAGE], [3n * PAGE, SIZE]]], // prettier-ignore
    ['apart', '0x0', '0x2000', [[PAGE, 2n * PAGE], [3n * PAGE, SIZE]]], // prettier-ignore
  ])('leave out the pages of table and PBA: %s', (_, table, pba, left) => {
    expect(areas({}, msix(table, pba))).toEqual(left);
  });

  it('leave out only what is in this BAR', () => {
    expect(areas({}, msix('0x0', '0x3000', { tableBar: 2 }))).toEqual([[0n, 3n * PAGE]]);
    expect(areas({}, msix('0x0', '0x3000', { pbaBar: 2 }))).toEqual([[PAGE, SIZE]]);
    expect(areas({}, msix('0x0', '0x3000', { tableBar: 2, pbaBar: 2 }))).toEqual([[0n, SIZE]]);
  });

  it('leave out also where the guest sees a relocated table', () => {
    const own = msix('0x0', '0x800');
    expect(areas({}, { ...own, guest: layout(1, 0x2000n, 0x2800n) })).toEqual([
      [PAGE, 2n * PAGE],
      [3n * PAGE, SIZE],
    ]);
  });

  it('are none of a device whose table lies outside of its BAR', () => {
    expect(areas({}, msix('0x4000', '0x0'))).toEqual([]);
  });
});

describe('the mirror of configuration space (vfio fact 5.19)', () => {
  const mirrorOf = (
    bar: number,
    more: object,
    bars: readonly object[] = [{ index: 0 }, { index: 2 }],
    parts: object = {},
  ) => {
    const all = bars.map((each) => ({ size: '0x100000', type: 'mem64', ...each }));
    const whole = scenario({ devices: [{ id: 'dev0', bars: all, vga: true, ...more }], ...parts });
    return configMirror(whole, whole.devices[0]!, bar);
  };
  const NVIDIA = { vendor: '0x10de' };
  const ATI = { vendor: '0x1002' };

  it('is in BAR 0 of NVIDIA and in BAR 2 of ATI, and nowhere else', () => {
    expect(mirrorOf(0, NVIDIA)).toEqual({ start: 0x8_8000n, end: 0x8_9000n });
    expect(mirrorOf(0, { ...NVIDIA, configSize: '0x100' })).toEqual({ start: 0x8_8000n, end: 0x8_8100n });
    expect(mirrorOf(2, ATI)).toEqual({ start: 0x4000n, end: 0x4100n });
    expect([mirrorOf(2, NVIDIA), mirrorOf(0, ATI)]).toEqual([undefined, undefined]);
    expect([mirrorOf(0, { vendor: '0x8086' }), mirrorOf(2, { vendor: '0x8086' })]).toEqual([
      undefined,
      undefined,
    ]);
    expect(mirrorOf(0, { ...NVIDIA, vga: false })).toBeUndefined();
  });

  it('is in a BAR that the card has, of the right type', () => {
    expect(mirrorOf(0, NVIDIA, [{ index: 2 }])).toBeUndefined();
    expect(mirrorOf(2, ATI, [{ index: 0 }])).toBeUndefined();
    expect(mirrorOf(2, ATI, [{ index: 0 }, { index: 2, type: 'mem32' }])).toBeUndefined();
    expect(
      mirrorOf(2, ATI, [
        { index: 0, type: 'mem32' },
        { index: 2, type: 'mem64p' },
      ]),
    ).toBeDefined();
    expect(mirrorOf(0, NVIDIA, [{ index: 0, type: 'mem32' }])).toBeDefined();
  });

  it('is in a BAR that has room for all of it', () => {
    expect(mirrorOf(0, NVIDIA, [{ index: 0, size: '0x80000' }])).toBeUndefined();
    expect(mirrorOf(2, ATI, [{ index: 2, size: '0x4000' }])).toBeUndefined();
    expect(mirrorOf(2, ATI, [{ index: 2, size: '0x8000' }])).toBeDefined();
  });

  it('is not in a BAR of a device behind vfio-user', () => {
    const host = { kernel: 'msix-mappable', iommu: { type: 'vfio-user', pageSizes: ['0x1000'] } };
    expect(mirrorOf(0, NVIDIA, [{ index: 0 }], { host })).toBeUndefined();
  });
});
