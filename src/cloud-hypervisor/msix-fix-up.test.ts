import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { fixUpMsixRegion, pbaRangeSize } from './msix-fix-up.ts';

const layout = (tableOffset: bigint, pbaOffset: bigint, vectors = 129) => ({
  vectors,
  tableBar: 0,
  tableOffset: offset(tableOffset),
  pbaBar: 0,
  pbaOffset: offset(pbaOffset),
});

describe('pbaRangeSize', () => {
  it.each([
    [1, 8n],
    [63, 8n],
    [64, 16n],
    [65, 16n],
    [128, 24n],
    [2048, 264n],
  ])('counts for %i vectors %i bytes', (vectors, bytes) => expect(pbaRangeSize(vectors)).toBe(bytes));
});

describe('fixUpMsixRegion', () => {
  it('moves table and PBA to the middle of a BAR twice as large (issue 7898)', () => {
    expect(fixUpMsixRegion(layout(0x5200n, 0xd600n), 0, 0x1_0000n, 0x1000n)).toEqual({
      size: 0x2_0000n,
      layout: layout(0x1_0000n, 0x1_8400n),
    });
  });

  it('makes room for whole host pages with table and PBA (pull request 7939)', () => {
    expect(fixUpMsixRegion(layout(0x2000n, 0x3000n, 136), 0, 0x4000n, 0x1_0000n)).toEqual({
      size: 0x2_0000n,
      layout: layout(0x1_0000n, 0x1_1000n, 136),
    });
  });

  it('leaves a table that begins on a host page or lies in another BAR', () => {
    for (const [table, bar] of [
      [0x4000n, 0],
      [0x5200n, 2],
    ] as const) {
      const unchanged = layout(table, 0x8000n);
      const fixedUp = fixUpMsixRegion(unchanged, bar, 0x1_0000n, 0x1000n);
      expect(fixedUp).toEqual({ size: 0x1_0000n, layout: unchanged });
    }
  });

  it('moves the PBA by the same distance, also before the middle and in another BAR', () => {
    expect(fixUpMsixRegion(layout(0xd600n, 0x5200n), 0, 0x1_0000n, 0x1000n).layout.pbaOffset).toBe(0x7c00n);
    const elsewhere = { ...layout(0x800n, 0n, 8), pbaBar: 2 };
    expect(fixUpMsixRegion(elsewhere, 0, 0x4000n, 0x1000n).layout).toMatchObject({
      pbaBar: 2,
      pbaOffset: 0x3800n,
    });
  });

  it('cuts the moved offsets to 32 bits', () => {
    const large = fixUpMsixRegion(layout(0x800n, 0x1000n), 0, 1n << 32n, 0x1000n);
    expect(large.layout).toMatchObject({ tableOffset: 0n, pbaOffset: 0x800n });
    const below = fixUpMsixRegion(layout(0x8000_0008n, 0n), 0, 0x1000n, 0x1000n);
    expect(below.layout.pbaOffset).toBe(0x8000_0ff8n);
  });
});
