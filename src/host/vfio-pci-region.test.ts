import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignDown, alignUp, offset } from '../address/index.ts';
import { msixTableSize } from '../pci-layout/index.ts';
import { Errno } from './errno.ts';
import {
  isMsixMappable,
  mmapBar,
  regionInfo,
  sparseMmapAreas,
  type RegionCapability,
  type RegionInfo,
  type VfioPciBar,
} from './vfio-pci-region.ts';

const KIB = 1n << 10n;
const P4K = 4n * KIB;
const P64K = 64n * KIB;

/** A mmappable memory BAR 0 with 96 vectors at 0xe000: the SAS3008 of the seed thread, before Linux 4.16. */
const bar = (rest: Partial<VfioPciBar> = {}, size = P64K): VfioPciBar => ({
  index: 0,
  bar: { size, io: false, mmappable: true },
  msix: { vectors: 96, tableBar: 0, tableOffset: offset(0xe000n) },
  kernel: 'sparse-msix',
  hostPageSize: P4K,
  ...rest,
});

const areas = (region: VfioPciBar) =>
  regionInfo(region).capabilities.flatMap((capability) =>
    capability.id === 1 ? capability.areas.map((area) => [area.offset, area.size]) : [],
  );

/**
 * The table of host fact 8.1: device, bytes of its BAR, vectors, table offset, areas on hosts of 4K and of
 * 64K.
 */
const REAL_DEVICES = `
  LSI SAS3008         | 0x10000   | 96   | 0xe000   | 0+0xe000 0xf000+0x1000       | 0+0
  LSI SAS3108         | 0x10000   | 97   | 0xe000   | 0+0xe000 0xf000+0x1000       | 0+0
  Mellanox ConnectX-4 | 0x2000000 | 64   | 0x2000   | 0+0x2000 0x3000+0x1ffd000    | 0x10000+0x1ff0000
  Myri-10G            | 0x100000  | 128  | 0xf0000  | 0+0xf0000 0xf1000+0xf000     | 0+0xf0000
  Intel E810-XXV      | 0x10000   | 1024 | 0        | 0x4000+0xc000                | 0+0
  KIOXIA CD8P         | 0x10000   | 129  | 0x5200   | 0+0x5000 0x6000+0xa000       | 0+0
  NVIDIA T4           | 0x1000000 | 6    | 0xb90000 | 0+0xb90000 0xb91000+0x46f000 | 0+0xb90000 0xba0000+0x460000
  Cavium ThunderX     | 0x100000  | 10   | 0        | 0x1000+0xff000               | 0x10000+0xf0000
  Intel 82576         | 0x4000    | 10   | 0        | 0x1000+0x3000                | 0+0
  virtio-net          | 0x1000    | 10   | 0        | 0+0                          | 0+0
  NVIDIA MCP55        | 0x100     | 8    | 0        | 0+0                          | 0+0`
  .trim()
  .split('\n')
  .map((line) => {
    const [device, size, vectors, at, on4K, on64K] = line.split('|').map((cell) => cell.trim());
    const areasOf = (cell: string): bigint[][] =>
      cell.split(' ').map((area) => area.split('+').map((number) => BigInt(number)));
    return {
      device: device!,
      size: BigInt(size!),
      msix: { vectors: Number(vectors), tableBar: 0, tableOffset: offset(BigInt(at!)) },
      on4K: areasOf(on4K!),
      on64K: areasOf(on64K!),
    };
  });

describe('the sparse areas of real devices (host fact 8.1)', () => {
  it.each(REAL_DEVICES)('are those of the table for $device', ({ size, msix, on4K, on64K }) => {
    const region = bar({ msix }, size);
    expect(areas(region)).toEqual(on4K);
    expect(areas({ ...region, hostPageSize: P64K })).toEqual(on64K);
    for (const hostPageSize of [P4K, P64K]) {
      expect(regionInfo({ ...region, hostPageSize, kernel: 'msix-mappable' })).toEqual({
        size,
        flags: { read: true, write: true, mmap: true },
        capabilities: [{ id: 3 }],
      });
    }
  });

  it('hold the PBA of the SAS3008, which has a page of its own (host fact R4.4.1)', () => {
    expect(areas(bar())).toContainEqual([0xf000n, 0x1000n]);
  });
});

describe('regionInfo', () => {
  const readWrite = { read: true, write: true };
  const without = { capabilities: [] };

  it('reports an absent BAR with size 0 and no flags', () => {
    const flags = { read: false, write: false, mmap: false };
    expect(regionInfo(bar({}, 0n))).toEqual({ size: 0n, flags, ...without });
  });

  it('reports the exact size of a BAR', () => {
    expect(regionInfo(bar({ msix: undefined }, 0x100n)).size).toBe(0x100n);
  });

  it('allows no mmap of an I/O BAR, or of a sub-page BAR that shares its page', () => {
    for (const one of [
      { size: 0x100n, io: true, mmappable: true },
      { size: 0x100n, io: false, mmappable: false },
    ]) {
      for (const kernel of ['sparse-msix', 'msix-mappable'] as const) {
        const sparseAreas = [{ offset: offset(0n), size: P4K }];
        const info = regionInfo(bar({ bar: one, kernel, sparseAreas }));
        expect(info).toEqual({ size: 0x100n, flags: { ...readWrite, mmap: false }, ...without });
      }
    }
  });

  it('gives capabilities to the table’s BAR alone', () => {
    for (const region of [
      bar({ index: 2 }),
      bar({ msix: undefined }),
      bar({ msix: { vectors: 1, tableBar: 7, tableOffset: offset(0n) } }),
    ]) {
      for (const kernel of ['sparse-msix', 'msix-mappable'] as const) {
        const expected = { size: P64K, flags: { ...readWrite, mmap: true }, ...without };
        expect(regionInfo({ ...region, kernel })).toEqual(expected);
      }
    }
  });

  it('does not test whether the table lies in the BAR (host fact 4.7)', () => {
    const beyond = bar({ msix: { vectors: 96, tableBar: 0, tableOffset: offset(0xff0000n) } });
    expect(areas(beyond)).toEqual([[0n, 0xff0000n]]);
  });

  it('reports the areas of a vendor driver before MSIX_MAPPABLE', () => {
    const sparseAreas = [
      { offset: offset(0x8000n), size: 0x800n },
      { offset: offset(0n), size: 0n },
    ];
    const sparse: RegionCapability = { id: 1, areas: sparseAreas };
    expect(regionInfo(bar({ sparseAreas })).capabilities).toEqual([sparse]);
    expect(regionInfo(bar({ sparseAreas, kernel: 'msix-mappable' })).capabilities).toEqual([
      sparse,
      { id: 3 },
    ]);
    expect(regionInfo(bar({ sparseAreas, index: 1 })).capabilities).toEqual([sparse]);
  });
});

describe('what a region’s capabilities say', () => {
  const sparse: RegionCapability = { id: 1, areas: [{ offset: offset(0n), size: P4K }] };
  const mappable: RegionCapability = { id: 3 };
  const infoOf = (...capabilities: RegionCapability[]): RegionInfo => ({
    size: P64K,
    flags: { read: true, write: true, mmap: true },
    capabilities,
  });

  it.each([
    ['no capability', infoOf(), false, undefined],
    ['SPARSE_MMAP', infoOf(sparse), false, sparse.areas],
    ['MSIX_MAPPABLE', infoOf(mappable), true, undefined],
    ['SPARSE_MMAP, then MSIX_MAPPABLE', infoOf(sparse, mappable), true, sparse.areas],
    ['MSIX_MAPPABLE, then SPARSE_MMAP', infoOf(mappable, sparse), true, sparse.areas],
  ])('of %s: whether the table may be mmapped, and the areas (host fact 4.4)', (_, info, msix, areas) => {
    expect(isMsixMappable(info)).toBe(msix);
    expect(sparseMmapAreas(info)).toBe(areas);
  });
});

describe('mmapBar', () => {
  const at = (region: VfioPciBar, start: bigint, length: bigint) => mmapBar(region, offset(start), length);
  const mappable = bar({ kernel: 'msix-mappable' });

  it.each([
    ['an offset off the page (host fact V0)', mappable, 0x800n, P4K],
    ['length 0 (host fact V0)', mappable, 0n, 0n],
    ['a region that is no BAR (host fact V4)', { ...mappable, index: 6 }, 0n, P4K],
    ['an I/O BAR (host fact V5)', { ...mappable, bar: { size: P64K, io: true, mmappable: true } }, 0n, P4K],
    [
      'a BAR that shares its page (host fact V5)',
      { ...mappable, bar: { size: P64K, io: false, mmappable: false } },
      0n,
      P4K,
    ],
    ['an absent BAR (host fact V5)', bar({}, 0n), 0n, P4K],
    ['a range that ends beyond the BAR (host fact V6)', mappable, 0xf000n, 0x2000n],
    ['a range behind the BAR (host fact V6)', mappable, 0x10000n, P4K],
    ['a length that rounds up beyond the BAR (host fact V6)', mappable, 0n, 0x10001n],
    ['the table’s page before 4.16 (host fact V7)', bar(), 0xe000n, P4K],
    ['a length that rounds up into the table’s page before 4.16 (host fact V7)', bar(), 0xd000n, 0x1001n],
    ['the whole BAR before 4.16 (host fact V7)', bar(), 0n, P64K],
  ])('fails with EINVAL for %s', (_, region, start, length) => {
    expect(at(region, start, length)).toBe(Errno.EINVAL);
  });

  it.each([
    ['the whole BAR since 4.16', mappable, 0n, P64K],
    ['the table since 4.16', mappable, 0xe000n, 0x1000n],
    ['the pages before the table', bar(), 0n, 0xe000n],
    ['the pages behind the table', bar(), 0xf000n, 0x1000n],
    ['a length that is rounded up', bar(), 0n, 0xd001n],
    ['another BAR', bar({ index: 1 }), 0n, P64K],
  ])('maps %s', (_, region, start, length) => {
    expect(at(region, start, length)).toBe(0);
  });

  it('maps one page for a sub-page BAR (host fact R4.5.2)', () => {
    const small = bar({ hostPageSize: P64K, kernel: 'msix-mappable' }, 16n * KIB);
    expect(at(small, 0n, 16n * KIB)).toBe(0);
    expect(at(small, 0n, P64K)).toBe(0);
    expect(at(small, 0n, P64K + 1n)).toBe(Errno.EINVAL);
  });

  it('compares the exact bytes of the table (host facts V7 and R4.5.1)', () => {
    const unaligned = bar({ msix: { vectors: 32, tableBar: 0, tableOffset: offset(0x5200n) } });
    expect(at(unaligned, 0x5000n, P4K)).toBe(Errno.EINVAL);
    expect(at(unaligned, 0x6000n, P4K)).toBe(0);
    expect(at(unaligned, 0x4000n, P4K)).toBe(0);
    const wholePage = bar({ msix: { vectors: 256, tableBar: 0, tableOffset: offset(0x5000n) } });
    expect(at(wholePage, 0x5000n, P4K)).toBe(Errno.EINVAL);
    expect(at(wholePage, 0x6000n, P4K)).toBe(0);
  });

  it('maps the whole pages of a vendor driver’s areas and no others', () => {
    const sparseAreas = [
      { offset: offset(0x8000n), size: 0x800n },
      { offset: offset(0x1000n), size: 0x2000n },
    ];
    const vendor = bar({ sparseAreas, kernel: 'msix-mappable' });
    expect(at(vendor, 0x8000n, P4K)).toBe(0);
    expect(at(vendor, 0x1000n, 0x2000n)).toBe(0);
    expect(at(vendor, 0n, P4K)).toBe(Errno.EINVAL);
    expect(at(vendor, 0x2000n, 0x2000n)).toBe(Errno.EINVAL);
    expect(at({ ...vendor, sparseAreas: [] }, 0n, P4K)).toBe(Errno.EINVAL);
  });

  const regions = fc
    .record({
      sizeShift: fc.integer({ min: 8, max: 20 }),
      hostPageSize: fc.constantFrom(P4K, 16n * KIB, P64K),
      vectors: fc.integer({ min: 1, max: 2048 }),
      place: fc.bigInt(0n, 1n << 20n),
      page: fc.bigInt(0n, 300n),
      length: fc.bigInt(1n, 1n << 20n),
      kernel: fc.constantFrom('sparse-msix' as const, 'msix-mappable' as const),
    })
    .map(({ sizeShift, hostPageSize, vectors, place, page, length, kernel }) => {
      const size = 1n << BigInt(sizeShift);
      const msix = { vectors, tableBar: 0, tableOffset: offset(alignDown(place % size, 8n)) };
      const region = bar({ hostPageSize, kernel, msix }, size);
      const pages = alignUp(size, hostPageSize) / hostPageSize;
      return {
        region,
        size,
        start: (page % (pages + 1n)) * hostPageSize,
        length: 1n + (length % (size * 2n)),
      };
    });

  it('maps exactly the pages in the BAR that miss the table’s (host facts 9.6 and 9.7)', () => {
    fc.assert(
      fc.property(regions, ({ region, size, start, length }) => {
        const { hostPageSize: page } = region;
        const table = region.msix!;
        const end = start + alignUp(length, page);
        const hole = {
          start: alignDown(table.tableOffset, page),
          end: alignUp(table.tableOffset + msixTableSize(table.vectors), page),
        };
        const avoids = region.kernel === 'msix-mappable' || end <= hole.start || hole.end <= start;
        const fits = end <= alignUp(size, page);
        expect(at(region, start, length)).toBe(fits && avoids ? 0 : Errno.EINVAL);

        // Areas and hole together are the whole BAR, and the host allows an mmap of each area.
        if (region.kernel === 'sparse-msix') {
          const free = areas(region).reduce((sum, [, bytes]) => sum + bytes!, 0n);
          const cut = (hole.end < size ? hole.end : size) - hole.start;
          expect(free + cut).toBe(size);
          for (const [from, bytes] of areas(region))
            if (bytes! > 0n) expect(at(region, from!, bytes!)).toBe(0);
        }
      }),
    );
  });
});
