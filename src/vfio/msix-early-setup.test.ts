import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { DeviceRefused } from './failure.ts';
import { cutOutTable, fixUpMsixAreas, setUpMsixEarly } from './msix-early-setup.ts';
import type { DeviceRules } from './device-rules.ts';
import { REVISIONS } from './revisions/index.ts';
import { MEM64, P16K, P4K, P64K, hostDevice, revision, type FakeDevice } from './testing/fakes.ts';
import { initialMmaps, type VfioRegion } from './vfio-region.ts';

const MIB = 1n << 20n;
const PLAIN_IDS = REVISIONS.map(({ id }) => id).filter((id) => !id.includes('+'));
const BEYOND = 'hardware reports invalid configuration, MSIX PBA outside of specified BAR';

/** The BARs of the device before early MSI-X set-up. */
const regionsOf = (fake: FakeDevice, rules: DeviceRules): VfioRegion[] => {
  const host = hostDevice(fake);
  return [0, 1, 2, 3, 4, 5].map((index) => {
    const info = host.region(index);
    return {
      index,
      info,
      regionSize: info.size,
      bar: undefined,
      mmaps: initialMmaps(info, (areas) => rules.sparseAreas(areas, index), true),
      barSize: info.size,
      attributes: MEM64,
      base: undefined,
    };
  });
};

function setUp(id: string, fake: FakeDevice, page = P4K, relocating = false) {
  const { device: rules } = revision(id);
  const regions = regionsOf(fake, rules);
  const layout = setUpMsixEarly(hostDevice(fake), regions, rules, relocating);
  if (layout !== undefined) fixUpMsixAreas(regions, layout, { rules, hostPageSize: page });
  return { layout, mmaps: regions.map(({ mmaps }) => mmaps.map((area) => [area.offset, area.size])) };
}

/** The mmap areas, after the fix-up, of a BAR of `size` bytes with a table at `table`. */
const areasWith = (
  vectors: number,
  table: bigint,
  size: bigint,
  page: bigint,
  id = 'qemu-11.1',
): unknown[] | undefined =>
  setUp(id, { bars: { 1: { size }, 0: { size: MIB } }, msix: [vectors, 1, table, 0, 0n] }, page).mmaps[1];

describe('early MSI-X set-up of a device without MSI-X', () => {
  it('keeps the mmap areas', () => {
    const { layout, mmaps } = setUp('qemu-11.1', { bars: { 0: { size: MIB } } });
    expect(layout).toBeUndefined();
    expect(mmaps[0]).toEqual([[0n, MIB]]);
  });
});

describe('the fix-up takes the table’s pages out of a BAR that is one area (vfio fact 5.8)', () => {
  it.each([
    // The whole BAR: the table begins in the first page and ends in the last.
    [P4K, 8, 0n, P4K, []],
    [P4K, 256, 0n, P4K, []],
    [P4K, 1, 0xff0n, P4K, []],
    [P64K, 96, 0xe000n, P64K, []],
    [P64K, 1, 0n, 0x8000n, []],
    [P16K, 2048, 0n, 0x8000n, []],
    // The table is at the front: one area behind it.
    [P4K, 8, 0n, MIB, [[0x1000n, 0xf_f000n]]],
    [P4K, 257, 0n, MIB, [[0x2000n, 0xf_e000n]]],
    [P4K, 8, 0xff8n, MIB, [[0x2000n, 0xf_e000n]]],
    [P16K, 8, 0x1000n, MIB, [[0x4000n, 0xf_c000n]]],
    [P64K, 8, 0xfff8n, MIB, [[0x2_0000n, 0xe_0000n]]],
    [P64K, 2048, 0x8000n, MIB, [[0x1_0000n, 0xf_0000n]]],
    // The table is at the end: one area before it.
    [P4K, 8, 0xf_f000n, MIB, [[0n, 0xf_f000n]]],
    [P4K, 8, 0xf_ff80n, MIB, [[0n, 0xf_f000n]]],
    [P16K, 8, 0xf_ff80n, MIB, [[0n, 0xf_c000n]]],
    [P64K, 8, 0xf_2000n, MIB, [[0n, 0xf_0000n]]],
    [P64K, 1, 0x1_4000n, 0x1_8000n, [[0n, 0x1_0000n]]],
    // The table is in the middle: one area on each side.
    [
      P4K,
      96,
      0xe000n,
      P64K,
      [
        [0n, 0xe000n],
        [0xf000n, 0x1000n],
      ],
    ],
    [
      P4K,
      8,
      0x1_0000n,
      MIB,
      [
        [0n, 0x1_0000n],
        [0x1_1000n, 0xe_f000n],
      ],
    ],
    [
      P4K,
      8,
      0x1_0fc0n,
      MIB,
      [
        [0n, 0x1_0000n],
        [0x1_2000n, 0xe_e000n],
      ],
    ],
    [
      P16K,
      8,
      0x1_0fc0n,
      MIB,
      [
        [0n, 0x1_0000n],
        [0x1_4000n, 0xe_c000n],
      ],
    ],
    [
      P64K,
      8,
      0x1_0fc0n,
      MIB,
      [
        [0n, 0x1_0000n],
        [0x2_0000n, 0xe_0000n],
      ],
    ],
    [
      P64K,
      2048,
      0x1_c000n,
      MIB,
      [
        [0n, 0x1_0000n],
        [0x3_0000n, 0xd_0000n],
      ],
    ],
  ] as const)(
    'on host pages of %i bytes: %i vectors at %i in %i bytes',
    (page, vectors, table, size, expected) => {
      for (const id of ['qemu-2.11', 'qemu-2.12', 'qemu-11.1']) {
        expect(areasWith(vectors, table, size, page, id)).toEqual(expected);
      }
    },
  );

  it('and leaves all before a table that begins beyond the BAR', () => {
    expect(areasWith(1, 2n * MIB, MIB, P4K)).toEqual([[0n, 2n * MIB]]);
    expect(areasWith(1, 0xffff_fff8n, MIB, P64K)).toEqual([[0n, 0xffff_0000n]]);
    expect(areasWith(1, MIB, MIB, P4K)).toEqual([[0n, MIB]]);
  });

  it('and leaves the pages of the PBA', () => {
    const { mmaps } = setUp('qemu-11.1', {
      bars: { 1: { size: MIB }, 2: { size: MIB } },
      msix: [8, 1, 0n, 1, 0x8_0000n],
    });
    expect(mmaps[1]).toEqual([[0x1000n, 0xf_f000n]]);
    expect(mmaps[2]).toEqual([[0n, MIB]]);
  });

  it('unless the host reports MSIX_MAPPABLE and the version honours that', () => {
    const fake: FakeDevice = { bars: { 0: { size: MIB, msixMappable: true } }, msix: [8, 0, 0x2000n, 0, 0n] };
    expect(setUp('qemu-2.11', fake).mmaps[0]).toEqual([
      [0n, 0x2000n],
      [0x3000n, 0xf_d000n],
    ]);
    for (const { id } of REVISIONS.slice(1)) expect(setUp(id, fake).mmaps[0]).toEqual([[0n, MIB]]);
  });

  it.each([
    ['begin behind the start of the BAR', [[0x1000n, 0xf_f000n]]],
    ['end before the end of the BAR', [[0n, 0xf_f000n]]],
    [
      'are two',
      [
        [0n, 0x8_0000n],
        [0x8_0000n, 0x8_0000n],
      ],
    ],
    ['end beyond the BAR', [[0n, 2n * MIB]]],
  ] as const)('unless the host’s areas %s', (_, sparse) => {
    const { mmaps } = setUp('qemu-11.1', {
      bars: { 0: { size: MIB, sparse } },
      msix: [8, 0, 0x2000n, 0, 0n],
    });
    expect(mmaps[0]).toEqual(sparse);
  });

  it('also if the host’s only non-empty area is the whole BAR', () => {
    const sparse = [
      [0x3000n, 0n],
      [0n, MIB],
    ] as const;
    const { mmaps } = setUp('qemu-11.1', {
      bars: { 0: { size: MIB, sparse } },
      msix: [8, 0, 0x2000n, 0, 0n],
    });
    expect(mmaps[0]).toEqual([
      [0n, 0x2000n],
      [0x3000n, 0xf_d000n],
    ]);
  });

  it('and does nothing if the BAR cannot be mmapped', () => {
    const { mmaps } = setUp('qemu-11.1', {
      bars: { 0: { size: MIB, mmap: false } },
      msix: [8, 0, 0n, 0, 0x1000n],
    });
    expect(mmaps[0]).toEqual([]);
  });
});

describe('the PBA must begin in its BAR (vfio fact 5.7)', () => {
  const withPba = (pba: bigint, rest: Partial<FakeDevice> = {}, pbaBar = 0): FakeDevice => ({
    bars: { 0: { size: 0x8000n }, 1: { size: 0x2000n } },
    msix: [8, 1, 0n, pbaBar, pba],
    ...rest,
  });

  it.each(PLAIN_IDS)('at its last 8 bytes at most, in %s', (id) => {
    expect(setUp(id, withPba(0x7ff8n)).layout!.pbaOffset).toBe(0x7ff8n);
    for (const pba of [0x8000n, 0x8008n, 0xffff_fff8n]) {
      expect(() => setUp(id, withPba(pba))).toThrow(expect.objectContaining({ message: BEYOND }) as Error);
    }
  });

  it('and cannot begin in a BAR that the device does not have', () => {
    for (const bar of [2, 5]) {
      expect(() => setUp('qemu-11.1', withPba(0n, {}, bar))).toThrow(
        expect.objectContaining({ message: BEYOND }) as Error,
      );
    }
    let refusal: unknown;
    try {
      setUp('qemu-2.11', withPba(0n, {}, 7));
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(DeviceRefused);
    expect(refusal).toEqual({ message: BEYOND });
  });

  it('unless the user asks for relocation, since 4.1', () => {
    for (const [id, tolerated] of [
      ['qemu-2.11', false],
      ['qemu-2.12', false],
      ['qemu-6.0', true],
      ['qemu-11.1', true],
    ] as const) {
      const read = () => setUp(id, withPba(0x8000n), P4K, true).layout!.pbaOffset;
      if (tolerated) expect(read()).toBe(0x8000n);
      else expect(read).toThrow(expect.objectContaining({ message: BEYOND }) as Error);
    }
  });

  it('while the table may begin beyond its BAR', () => {
    expect(
      setUp('qemu-11.1', { bars: { 0: { size: MIB } }, msix: [8, 5, 0xffff_fff8n, 0, 0n] }).layout,
    ).toEqual({
      vectors: 8,
      tableBar: 5,
      tableOffset: 0xffff_fff8n,
      pbaBar: 0,
      pbaOffset: 0n,
    });
  });

  it.each([
    ['Chelsio of the 5800 series', 0x1425, 0x5800, 0x1000n, 0x1000n],
    ['Chelsio of the 5800 series', 0x1425, 0x58ff, 0x1000n, 0x1000n],
    ['other Chelsio', 0x1425, 0x5900, undefined, undefined],
    ['other vendor’s 5800', 0x1426, 0x5800, undefined, undefined],
    ['Kunlun VF', 0x1d22, 0x3685, undefined, 0xb400n],
    ['other Baidu device', 0x1d22, 0x3684, undefined, undefined],
    ['other vendor’s 3685', 0x1d23, 0x3685, undefined, undefined],
  ])(
    'or is corrected where a device is known to be wrong: %s (%i:%i)',
    (_, vendor, device, since211, since111) => {
      for (const [id, expected] of [
        ['qemu-2.11', since211],
        ['qemu-2.12', since211],
        ['qemu-6.0', since211],
        ['qemu-11.1', since111],
      ] as const) {
        const read = () => setUp(id, withPba(0x8000n, { vendor, device })).layout!.pbaOffset;
        if (expected === undefined)
          expect(read).toThrow(expect.objectContaining({ message: BEYOND }) as Error);
        else expect(read()).toBe(expected);
        // A PBA inside its BAR is not corrected.
        expect(setUp(id, withPba(0x10n, { vendor, device })).layout!.pbaOffset).toBe(0x10n);
      }
    },
  );
});

describe('the BIRs of table and PBA (vfio fact 5.7)', () => {
  const withBirs = (table: number, pba: number): FakeDevice => ({
    bars: { 0: { size: MIB }, 5: { size: MIB } },
    msix: [8, table, 0n, pba, 0x1000n],
  });

  it('must name a BAR in qemu-11.1', () => {
    expect(setUp('qemu-11.1', withBirs(5, 5)).layout).toBeDefined();
    for (const [table, pba] of [
      [6, 0],
      [7, 5],
      [0, 6],
      [5, 7],
      [7, 6],
    ] as const) {
      expect(() => setUp('qemu-11.1', withBirs(table, pba))).toThrow(
        expect.objectContaining({ message: `invalid MSI-X BIR, table_bar=${table} pba_bar=${pba}` }) as Error,
      );
    }
  });

  it('are checked before the offset of the PBA', () => {
    expect(() => setUp('qemu-11.1', { bars: { 0: { size: P4K } }, msix: [8, 6, 0n, 0, 0x1000n] })).toThrow(
      expect.objectContaining({ message: 'invalid MSI-X BIR, table_bar=6 pba_bar=0' }) as Error,
    );
  });

  it.each(PLAIN_IDS.filter((id) => id !== 'qemu-11.1'))('are not checked at early set-up in %s', (id) => {
    expect(setUp(id, withBirs(6, 0)).layout!.tableBar).toBe(6);
    expect(setUp(id, withBirs(7, 0)).mmaps[0]).toEqual([[0n, MIB]]);
  });
});

describe('the mmap areas of a BAR before the fix-up (vfio fact 5.2)', () => {
  const areas = (id: string, sparse: readonly (readonly [bigint, bigint])[], size = P64K) => {
    const { device } = revision(id);
    const info = hostDevice({ bars: { 3: { size, sparse } } }).region(3);
    return initialMmaps(info, (reported) => device.sparseAreas(reported, 3), true).map((area) => [
      area.offset,
      area.size,
    ]);
  };
  const unsorted = [
    [0x8000n, 0x1000n],
    [0x2000n, 0x1000n],
    [0x4000n, 0n],
    [0x3000n, 0x2000n],
  ] as const;
  const sorted = [
    [0x2000n, 0x1000n],
    [0x3000n, 0x2000n],
    [0x8000n, 0x1000n],
  ];

  it('keep the host’s order up to 6.0, without the empty areas', () => {
    for (const id of ['qemu-2.11', 'qemu-2.12', 'qemu-6.0']) {
      expect(areas(id, unsorted)).toEqual([
        [0x8000n, 0x1000n],
        [0x2000n, 0x1000n],
        [0x3000n, 0x2000n],
      ]);
    }
  });

  it('are sorted by offset in 11.1', () => {
    expect(areas('qemu-11.1', unsorted)).toEqual(sorted);
    expect(areas('qemu-11.1', sorted as [bigint, bigint][])).toEqual(sorted);
  });

  it('may be empty, unaligned or beyond the BAR in any version', () => {
    for (const id of PLAIN_IDS) {
      expect(areas(id, [])).toEqual([]);
      expect(
        areas(id, [
          [0n, 0n],
          [0x1000n, 0n],
        ]),
      ).toEqual([]);
      expect(areas(id, [[0x123n, 0x456n]])).toEqual([[0x123n, 0x456n]]);
      expect(areas(id, [[0xf000n, 0x9000n]])).toEqual([[0xf000n, 0x9000n]]);
      expect(areas(id, [[0x10_0000n, 0x1000n]])).toEqual([[0x10_0000n, 0x1000n]]);
    }
  });

  const refusal = (a: string, b: string): string =>
    'vfio_setup_region_sparse_mmaps: overlapping sparse mmap regions detected ' +
    `in region 3: [${a}] overlaps with [${b}]`;

  it.each([
    [
      [
        [0n, 0x3000n],
        [0x2000n, 0x2000n],
      ],
      '0x0-0x2fff',
      '0x2000-0x3fff',
    ],
    [
      [
        [0x2000n, 0x2000n],
        [0n, 0x3000n],
      ],
      '0x0-0x2fff',
      '0x2000-0x3fff',
    ],
    [
      [
        [0n, 0x2001n],
        [0x2000n, 0x1000n],
      ],
      '0x0-0x2000',
      '0x2000-0x2fff',
    ],
    [
      [
        [0n, 0x9000n],
        [0x1000n, 0x1000n],
        [0x4000n, 0x1000n],
      ],
      '0x0-0x8fff',
      '0x1000-0x1fff',
    ],
    // Areas at the same offset keep the host's order.
    [
      [
        [0x1000n, 0x2000n],
        [0x1000n, 0x1000n],
      ],
      '0x1000-0x2fff',
      '0x1000-0x1fff',
    ],
    [
      [
        [0x1000n, 0x1000n],
        [0x1000n, 0x2000n],
      ],
      '0x1000-0x1fff',
      '0x1000-0x2fff',
    ],
    [
      [
        [0x8000n, 0x1000n],
        [0x8800n, 0x1000n],
        [0n, 0x1000n],
        [0x800n, 0x1000n],
      ],
      '0x0-0xfff',
      '0x800-0x17ff',
    ],
  ] as const)('must not overlap in 11.1: %s', (sparse, a, b) => {
    expect(() => areas('qemu-11.1', sparse)).toThrow(
      expect.objectContaining({ message: refusal(a, b) }) as Error,
    );
    expect(areas('qemu-6.0', sparse)).toEqual(sparse);
  });

  it('do not overlap if one is empty', () => {
    expect(
      areas('qemu-11.1', [
        [0n, 0x2000n],
        [0x1000n, 0n],
      ]),
    ).toEqual([[0n, 0x2000n]]);
  });

  it('do not overlap if they only touch', () => {
    expect(
      areas('qemu-11.1', [
        [0n, 0x2000n],
        [0x2000n, 1n],
      ]),
    ).toHaveLength(2);
  });

  it('do not exist for an absent BAR or one that cannot be mmapped, and are not checked', () => {
    const { device } = revision('qemu-11.1');
    const sparse = [
      [0n, 0x2000n],
      [0x1000n, 0x2000n],
    ] as const;
    for (const bar of [
      { size: P64K, mmap: false, sparse },
      { size: 0n, sparse },
    ]) {
      const info = hostDevice({ bars: { 0: bar } }).region(0);
      expect(initialMmaps(info, (reported) => device.sparseAreas(reported, 0), true)).toEqual([]);
    }
    const present = { size: 0n, flags: { read: true, write: true, mmap: true }, capabilities: [] };
    expect(initialMmaps(present, (reported) => reported, true)).toEqual([]);
  });

  it('are the whole BAR without a SPARSE_MMAP capability', () => {
    const info = hostDevice({ bars: { 0: { size: P64K, msixMappable: true } } }).region(0);
    expect(initialMmaps(info, (reported) => reported, true)).toEqual([
      { offset: offset(0n), size: P64K, region: undefined },
    ]);
  });
});

describe('the pages of the table (vfio fact 5.8)', () => {
  const layout = { vectors: 8, tableBar: 0, tableOffset: offset(0n), pbaBar: 0, pbaOffset: offset(0x800n) };
  const context = { regionSize: P64K, hostPageSize: P4K, msixMappable: false };
  const whole = { offset: offset(0n), size: P64K };

  it('stay in a BAR of several areas, even if one of them is the whole BAR', () => {
    const areas = [whole, { offset: offset(0x8000n), size: P4K }];
    expect(cutOutTable(areas, layout, context)).toBe(areas);
    expect(cutOutTable([whole], layout, context)).toEqual([{ offset: P4K, size: P64K - P4K }]);
  });
});
