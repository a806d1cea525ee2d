import { describe, expect, it } from 'vitest';
import { quirksOf, type QuirkContext } from './quirks.ts';

const MIB = 1n << 20n;
const of = (more: Partial<QuirkContext>): readonly string[] =>
  quirksOf({
    vendor: 0x10de,
    isVga: true,
    configSize: 0x1000n,
    bar: 0,
    size: 16n * MIB,
    attributes: { type: 'mem32', prefetchable: false },
    ...more,
  }).map(({ name, offset, size }) => `${name} ${offset.toString(16)}+${size.toString(16)}`);
const IO = { type: 'io', prefetchable: false } as const;
const MEM64 = { type: 'mem64', prefetchable: false } as const;

describe('the quirks of graphics cards (vfio fact 5.19)', () => {
  it('mirror the configuration space that the host gives access to in BAR 0 of NVIDIA', () => {
    expect(of({})).toEqual(['nvidia-bar0-88000-mirror-quirk 88000+1000']);
    expect(of({ configSize: 0x100n })).toEqual(['nvidia-bar0-88000-mirror-quirk 88000+100']);
    expect(of({ size: 0x8_8000n })).toEqual([]);
  });

  it('mirror 256 bytes in a 64-bit BAR 2 of ATI', () => {
    const ati = { vendor: 0x1002, bar: 2, size: 0x4_0000n };
    expect(of({ ...ati, attributes: MEM64 })).toEqual(['ati-bar2-4000-mirror-quirk 4000+100']);
    expect(of(ati)).toEqual([]);
  });

  it('have an index and a data register in BAR 5 of NVIDIA if that has ports', () => {
    expect(of({ bar: 5, size: 0x80n, attributes: IO })).toEqual(['nvidia-bar5-window-quirk 8+8']);
    expect(of({ bar: 5, size: 0x8_0000n })).toEqual([]);
    expect(of({ bar: 5, size: 0n })).toEqual([]);
  });

  it('are for VGA controllers of these vendors alone', () => {
    expect(of({ isVga: false })).toEqual([]);
    expect(of({ vendor: 0x8086 })).toEqual([]);
  });

  it.each([
    ['ATI', 0, MEM64],
    ['ATI', 5, IO],
    ['NVIDIA', 2, MEM64],
    ['NVIDIA', 4, IO],
    ['Intel', 2, MEM64],
    ['Intel', 5, IO],
  ] as const)('of %s are none in BAR %d', (name, bar, attributes) => {
    const vendor = { ATI: 0x1002, NVIDIA: 0x10de, Intel: 0x8086 }[name];
    expect(of({ vendor, bar, attributes })).toEqual([]);
  });

  it('may end where the BAR ends', () => {
    expect(of({ size: 0x8_9000n })).toEqual(['nvidia-bar0-88000-mirror-quirk 88000+1000']);
    expect(of({ bar: 5, size: 0x10n, attributes: IO })).toEqual(['nvidia-bar5-window-quirk 8+8']);
    expect(of({ bar: 5, size: 0xfn, attributes: IO })).toEqual([]);
  });
});
