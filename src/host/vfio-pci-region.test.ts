import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignDown, alignUp, offset } from '../address/index.ts';
import { msixTableSize } from '../pci-layout/index.ts';
import { Errno } from './errno.ts';
import { mmapBar, regionInfo, type RegionCapability, type VfioPciBar } from './vfio-pci-region.ts';

const KIB = 1n << 10n;
const MIB = 1n << 20n;
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

describe('the sparse areas of real devices (host fact 8.1)', () => {
  it.each([
    [
      'LSI SAS3008',
      P64K,
      96,
      0xe000n,
      [
        [0n, 0xe000n],
        [0xf000n, 0x1000n],
      ],
      [[0n, 0n]],
    ],
    [
      'LSI SAS3108',
      P64K,
      97,
      0xe000n,
      [
        [0n, 0xe000n],
        [0xf000n, 0x1000n],
      ],
      [[0n, 0n]],
    ],
    [
      'Mellanox ConnectX-4',
      32n * MIB,
      64,
      0x2000n,
      [
        [0n, 0x2000n],
        [0x3000n, 0x1ffd000n],
      ],
      [[0x10000n, 0x1ff0000n]],
    ],
    [
      'Myri-10G',
      MIB,
      128,
      0xf0000n,
      [
        [0n, 0xf0000n],
        [0xf1000n, 0xf000n],
      ],
      [[0n, 0xf0000n]],
    ],
    ['Intel 82576 (sub-page on 64K)', 16n * KIB, 10, 0n, [[0x1000n, 0x3000n]], [[0n, 0n]]],
    ['Intel E810-XXV, 1024 vectors', P64K, 1024, 0n, [[0x4000n, 0xc000n]], [[0n, 0n]]],
    [
      'KIOXIA CD8P, unaligned table',
      P64K,
      129,
      0x5200n,
      [
        [0n, 0x5000n],
        [0x6000n, 0xa000n],
      ],
      [[0n, 0n]],
    ],
    [
      'NVIDIA T4',
      16n * MIB,
      6,
      0xb90000n,
      [
        [0n, 0xb90000n],
        [0xb91000n, 0x46f000n],
      ],
      [
        [0n, 0xb90000n],
        [0xba0000n, 0x460000n],
      ],
    ],
    ['NVIDIA MCP55, 256 bytes', 256n, 8, 0n, [[0n, 0n]], [[0n, 0n]]],
    ['Cavium ThunderX', MIB, 10, 0n, [[0x1000n, 0xff000n]], [[0x10000n, 0xf0000n]]],
    ['virtio-net', P4K, 10, 0n, [[0n, 0n]], [[0n, 0n]]],
  ])('are those of the table for %s', (_, size, vectors, at, on4K, on64K) => {
    const region = bar({ msix: { vectors, tableBar: 0, tableOffset: offset(at) } }, size);
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
