import { describe, expect, it } from 'vitest';
import { msixTableSize, type BarAttributes } from '../pci-layout/index.ts';
import { DeviceRefused } from './failure.ts';
import { MSIX_RELOCATIONS, relocateMsix, type MsixRelocation } from './msix-relocation.ts';
import { IO, MEM32, MEM64, P16K, P4K, P64K, hostDevice, layoutOf, revision } from './testing/fakes.ts';
import type { VfioRegion } from './vfio-region.ts';

type Bars = Readonly<Record<number, readonly [size: bigint, attributes: BarAttributes]>>;

const GIB = 1n << 30n;

function relocate(relocation: MsixRelocation, bars: Bars, { vectors = 8, page = P4K } = {}) {
  const regions = [0, 1, 2, 3, 4, 5].map((index): VfioRegion => {
    const [size, attributes] = bars[index] ?? [0n, MEM32];
    const info = { size, flags: { read: true, write: true, mmap: false }, capabilities: [] };
    const bar = undefined;
    return { index, info, regionSize: size, bar, mmaps: [], barSize: size, attributes, base: undefined };
  });
  const layout = layoutOf([vectors, 0, 0x2000n, 0, 0x3000n]);
  const host = hostDevice({ bars: {}, vendor: 0x8086, device: 0xf });
  const environment = { rules: revision('qemu-11.1').device, hostPageSize: page };
  return {
    layout: relocateMsix(relocation, host, regions, layout, environment),
    regions,
    before: layout,
  };
}

const refusalOf = (...parameters: Parameters<typeof relocate>): string => {
  try {
    relocate(...parameters);
  } catch (error) {
    expect(error).toBeInstanceOf(DeviceRefused);
    return (error as DeviceRefused).message;
  }
  return 'none';
};

/** The size of BAR 2 after relocation to it, and the offset of the table in it. */
function doubled(size: bigint, vectors: number, page: bigint) {
  const { layout, regions } = relocate('bar2', { 2: [size, MEM64] }, { vectors, page });
  expect(layout).toEqual({
    vectors,
    tableBar: 2,
    tableOffset: layout.tableOffset,
    pbaBar: 2,
    pbaOffset: layout.tableOffset + msixTableSize(vectors),
  });
  expect(regions[2]!.regionSize).toBe(size);
  return [regions[2]!.barSize, layout.tableOffset];
}

describe('x-msix-relocation (vfio fact 5.10)', () => {
  it('has the values off, auto and bar0 to bar5', () => {
    expect(MSIX_RELOCATIONS).toEqual(['off', 'auto', 'bar0', 'bar1', 'bar2', 'bar3', 'bar4', 'bar5']);
  });

  it('leaves layout and BARs unchanged with `off`', () => {
    const { layout, before, regions } = relocate('off', { 0: [P4K, MEM32] });
    expect(layout).toBe(before);
    expect(regions[0]!.barSize).toBe(P4K);
  });

  it('refuses every device with `auto`', () => {
    expect(refusalOf('auto', { 0: [P4K, MEM32] })).toBe(
      'No automatic MSI-X relocation available for device 8086:000f',
    );
  });

  it.each([
    // Twice the BAR, or twice the whole pages that table and PBA need.
    [0x1_0000n, 8, P4K, 0x2_0000n, 0x1_0000n],
    [0x1000n, 8, P4K, 0x2000n, 0x1000n],
    [0x100n, 8, P4K, 0x2000n, 0x1000n],
    [0x100n, 8, P64K, 0x2_0000n, 0x1_0000n],
    [0x1000n, 254, P4K, 0x2000n, 0x1000n],
    // 254 * 16 + 4 * 8 = 4096 bytes fit a page, 255 * 16 + 4 * 8 = 4112 do not.
    [0x1000n, 255, P4K, 0x4000n, 0x2000n],
    [0x1000n, 2048, P4K, 0x2_0000n, 0x1_0000n],
    [0x1000n, 2048, P16K, 0x2_0000n, 0x1_0000n],
    [0x1000n, 1000, P4K, 0x8000n, 0x4000n],
    [4n * GIB, 2048, P64K, 8n * GIB, 4n * GIB],
  ])(
    'grows a BAR of %i bytes, for %i vectors on pages of %i bytes, to %i bytes',
    (size, vectors, page, bytes, at) => {
      expect(doubled(size, vectors, page)).toEqual([bytes, at]);
    },
  );

  it.each([
    [0, 8, P4K, 0x1000n],
    [1, 255, P4K, 0x2000n],
    [2, 8, P64K, 0x1_0000n],
    [4, 2048, P4K, 0x1_0000n],
  ] as const)(
    'makes a new BAR %i, for %i vectors on pages of %i bytes, of %i bytes with the table at 0',
    (index, vectors, page, size) => {
      const { layout, regions } = relocate(`bar${index}`, {}, { vectors, page });
      expect(regions[index]!.barSize).toBe(size);
      expect(layout).toEqual({
        vectors,
        tableBar: index,
        tableOffset: 0n,
        pbaBar: index,
        pbaOffset: msixTableSize(vectors),
      });
    },
  );

  it('makes a new BAR prefetchable, and 64 bits wide if the next register is free', () => {
    const attributes = (relocation: MsixRelocation, bars: Bars) =>
      relocate(relocation, bars).regions[Number(relocation.at(-1))]!.attributes;
    expect(attributes('bar0', {})).toEqual({ type: 'mem64', prefetchable: true });
    expect(attributes('bar4', {})).toEqual({ type: 'mem64', prefetchable: true });
    expect(attributes('bar3', { 4: [P4K, MEM32] })).toEqual({ type: 'mem32', prefetchable: true });
    expect(attributes('bar5', {})).toEqual({ type: 'mem32', prefetchable: true });
  });

  it('keeps the kind of a BAR that grows', () => {
    for (const attributes of [MEM32, MEM64]) {
      expect(relocate('bar1', { 1: [P4K, attributes] }).regions[1]!.attributes).toBe(attributes);
    }
  });

  it('changes no other BAR', () => {
    const { regions } = relocate('bar2', { 0: [P4K, MEM32], 2: [P4K, MEM64], 4: [P64K, MEM64] });
    expect(regions.map(({ barSize }) => barSize)).toEqual([P4K, 0n, 2n * P4K, 0n, P64K, 0n]);
  });

  it('refuses an I/O BAR', () => {
    for (const index of [0, 5] as const) {
      expect(refusalOf(`bar${index}`, { [index]: [0x20n, IO] })).toBe(
        `Invalid MSI-X relocation BAR ${index}, I/O port BAR`,
      );
    }
  });

  it('refuses the upper half of a 64-bit BAR', () => {
    expect(refusalOf('bar3', { 2: [P4K, MEM64] })).toBe(
      'Invalid MSI-X relocation BAR 3, consumed by 64-bit BAR 2',
    );
    expect(refusalOf('bar3', { 2: [P4K, MEM32] })).toBe('none');
    // A BAR 3 that the device reports counts as a BAR, even behind a 64-bit BAR 2.
    expect(refusalOf('bar3', { 2: [P4K, MEM64], 3: [P4K, MEM32] })).toBe('none');
    expect(refusalOf('bar0', {})).toBe('none');
  });

  it('refuses a 32-bit BAR of more than 1 GiB', () => {
    const text = 'Invalid MSI-X relocation BAR 1, no space to extend 32-bit BAR';
    expect(refusalOf('bar1', { 1: [2n * GIB, MEM32] })).toBe(text);
    expect(refusalOf('bar1', { 1: [GIB, MEM32] })).toBe('none');
    expect(refusalOf('bar1', { 1: [2n * GIB, MEM64] })).toBe('none');
  });
});
