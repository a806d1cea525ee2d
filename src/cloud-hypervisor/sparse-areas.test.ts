import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import type { RegionCapability } from '../host/index.ts';
import type { MsixLayout } from '../pci-layout/index.ts';
import { clampedHole, generateSparseAreas, roundedHole, type HoleRule } from './sparse-areas.ts';

const MAPPABLE: RegionCapability = { id: 3 };
const PAGE = 0x1000n;

/** A BAR and the rule for its holes; each but the size has a default. */
interface BarWithRule {
  readonly size: bigint;
  readonly start?: bigint;
  readonly capabilities?: readonly RegionCapability[];
  readonly layout?: Partial<MsixLayout> | undefined;
  readonly hole?: HoleRule;
  readonly page?: bigint;
}

/** The areas of the BAR as pairs of offset and size. */
const areas = ({
  size,
  start = 0n,
  capabilities = [MAPPABLE],
  layout,
  hole = clampedHole,
  page = PAGE,
}: BarWithRule) =>
  generateSparseAreas(
    {
      index: 0,
      start,
      info: { size, flags: { read: true, write: true, mmap: true }, capabilities },
      layout: layout && {
        vectors: 1,
        tableBar: 0,
        tableOffset: offset(0n),
        pbaBar: 0,
        pbaOffset: offset(0n),
        ...layout,
      },
    },
    hole,
    page,
  ).map((area) => [area.offset as bigint, area.size]);

const at = (tableOffset: bigint, pbaOffset: bigint, vectors = 1) => ({
  vectors,
  tableOffset: offset(tableOffset),
  pbaOffset: offset(pbaOffset),
});

describe('generateSparseAreas', () => {
  it('is one area for a BAR with neither table nor PBA', () => {
    expect(areas({ size: 0x800n, capabilities: [] })).toEqual([[0n, 0x800n]]);
    expect(areas({ size: 0x800n, capabilities: [], layout: { tableBar: 2, pbaBar: 4 } })).toEqual([
      [0n, 0x800n],
    ]);
  });

  it('is empty for a BAR with table or PBA that the host does not report as MSIX_MAPPABLE', () => {
    const capabilities: RegionCapability[] = [{ id: 1, areas: [{ offset: offset(0n), size: PAGE }] }];
    expect(areas({ size: 0x4000n, capabilities, layout: { pbaBar: 2 } })).toEqual([]);
    expect(areas({ size: 0x4000n, capabilities, layout: { tableBar: 2 } })).toEqual([]);
  });

  it('returns the areas of a SPARSE_MMAP capability unchanged', () => {
    const sparse = [{ offset: offset(0x123n), size: 0n }];
    expect(
      areas({ size: 0x4000n, capabilities: [{ id: 1, areas: sparse }, MAPPABLE], layout: at(0n, 0n) }),
    ).toEqual([[0x123n, 0n]]);
  });

  it('cuts out table and PBA in any order (kata-containers#12929)', () => {
    expect(areas({ size: 0x8000n, layout: at(0x4000n, 0x3000n, 513) })).toEqual([
      [0n, 0x3000n],
      [0x7000n, 0x1000n],
    ]);
  });

  it('is empty for a BAR that the holes fill, or that is smaller than a page', () => {
    expect(areas({ size: PAGE, layout: at(0n, 0xff0n, 128) })).toEqual([]);
    expect(areas({ size: PAGE, layout: at(0n, 0x800n), page: 0x1_0000n })).toEqual([]);
  });

  it('rounds start and length of a hole independently', () => {
    expect(areas({ size: 0x4000n, layout: { ...at(0xff0n, 0n, 2), pbaBar: 2 } })).toEqual([
      [0x1000n, 0x3000n],
    ]);
  });

  it('keeps the PBA’s hole of two that begin on one page', () => {
    expect(areas({ size: 0x4000n, layout: at(0x1800n, 0x1000n, 512) })).toEqual([
      [0n, 0x1000n],
      [0x2000n, 0x2000n],
    ]);
  });

  it('reaches beyond the BAR with `roundedHole`, for a table that the fix-up moved there (issue 7898)', () => {
    const layout = at(0x1_0000n, 0x1_8400n, 129);
    expect(areas({ size: 0x1_0000n, layout, hole: roundedHole })).toEqual([
      [0n, 0x1_0000n],
      [0x1_1000n, 0x7000n],
    ]);
    expect(areas({ size: 0x1_0000n, layout })).toEqual([[0n, 0x1_0000n]]);
  });

  it('refuses a BAR with table or PBA off 4 KiB pages', () => {
    const layout = at(0n, 0x80n);
    expect(() => areas({ size: 0x100n, layout })).toThrow(
      expect.objectContaining({ message: 'region size 0x100 must be at least a multiple of 4KiB' }),
    );
    expect(() => areas({ size: PAGE, start: 0x800n, layout })).toThrow(
      expect.objectContaining({ message: 'region start address 0x800 must be at least aligned on 4KiB' }),
    );
  });
});
