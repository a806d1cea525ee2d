import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset, smallestPage, type Iova, type Size } from '../address/index.ts';
import { Errno } from './errno.ts';
import { dmaBufPart, type DmaMapping, type DmaMapRequest, type IommuContainer } from './iommu-container.ts';
import { IommufdIoas } from './iommufd.ts';
import { SpaprTceContainer } from './spapr-tce.ts';
import { Type1Container } from './type1.ts';
import { VfioUserIommu } from './vfio-user-iommu.ts';

const PAGE = 0x1000n;
const RAM = 0x7f00_0000_0000n;
const PAGES = 16n;
const hostPageSize = PAGE;
const domainPageSizes = 0x4020_1000n;
const apertures = [
  { first: iova(0n), last: iova(7n * PAGE - 1n) },
  { first: iova(8n * PAGE), last: iova(0xffff_ffff_ffff_ffffn) },
];

/** The containers that keep each mapping whole, held to host fact 9; sPAPR overwrites parts of mappings. */
const CONTAINERS: Record<string, () => IommuContainer> = {
  'type1 v2': () => new Type1Container({ hostPageSize, domainPageSizes, apertures, maxMappings: 3 }),
  'type1 v1': () => new Type1Container({ hostPageSize, domainPageSizes, version: 1 }),
  iommufd: () => new IommufdIoas({ hostPageSize, domainPageSizes, apertures }),
  'vfio-user': () => new VfioUserIommu({ pageSizes: PAGE, maxMappings: 3 }),
};

interface Call {
  readonly kind: 'map' | 'unmap';
  readonly iova: Iova;
  readonly size: Size;
  readonly request: DmaMapRequest;
}

// Most addresses are whole pages of a small space, so that ranges often overlap. A few lie off the page, or
// just below 2^64.
const address = fc.oneof(
  { weight: 20, arbitrary: fc.bigInt(0n, PAGES).map((page) => page * PAGE) },
  { weight: 1, arbitrary: fc.bigInt(0n, PAGES * PAGE) },
  { weight: 1, arbitrary: fc.constantFrom(0xffff_ffff_ffff_f000n, 0xffff_ffff_ffff_0000n) },
);
const calls: fc.Arbitrary<Call[]> = fc.array(
  fc
    .record({
      kind: fc.constantFrom('map' as const, 'map' as const, 'unmap' as const),
      at: address,
      size: address,
      source: fc.bigInt(0n, PAGES),
      readonly: fc.boolean(),
      deviceMemory: fc.boolean(),
    })
    .map(({ kind, at, size, source, readonly, deviceMemory }) => ({
      kind,
      iova: iova(at),
      size,
      request: {
        iova: iova(at),
        size,
        hostAddress: hostAddress(RAM + source * PAGE),
        readonly,
        deviceMemory,
        backing: { region: 'ram', owner: undefined, offset: offset(source * PAGE) },
      },
    })),
  { maxLength: 40 },
);

const bytesOf = (mappings: readonly DmaMapping[]): Size => mappings.reduce((sum, { size }) => sum + size, 0n);

function expectDisjoint(mappings: readonly DmaMapping[]): void {
  mappings.forEach((mapping, index) => {
    expect(mapping.size).toBeGreaterThan(0n);
    const next = mappings[index + 1];
    if (next) expect(mapping.iova + mapping.size).toBeLessThanOrEqual(next.iova);
  });
}

describe.each(Object.entries(CONTAINERS))('%s', (_, create) => {
  it('keeps mappings disjoint and counts every byte (host fact 9.3)', () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        const container = create();
        let mapped = 0n;
        let unmapped = 0n;
        for (const { kind, iova: start, size, request } of sequence) {
          const before = container.mappings();
          if (kind === 'unmap') unmapped += container.unmap(start, size).unmapped;
          else if (container.map(request) === 0 && container.mappings() !== before) mapped += size;
          expectDisjoint(container.mappings());
          expect(unmapped + bytesOf(container.mappings())).toBe(mapped);
        }
      }),
    );
  });

  it('changes nothing by a map that fails, and adds a map that succeeds (host fact 9.4)', () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        const container = create();
        for (const { kind, iova: start, size, request } of sequence) {
          const before = container.mappings();
          if (kind === 'unmap') container.unmap(start, size);
          else if (container.map(request) !== 0) expect(container.mappings()).toBe(before);
          else if (container.mappings() !== before) {
            expect(container.mappings().filter((one) => one !== request)).toEqual(before);
          }
        }
      }),
    );
  });
});

describe('type1', () => {
  it('maps whole granules alone, and its budget follows the mappings (host fact 9.2)', () => {
    const type1 = () => new Type1Container({ hostPageSize: 0x10000n, domainPageSizes, maxMappings: 3 });
    fc.assert(
      fc.property(calls, (sequence) => {
        const container = type1();
        const granule = smallestPage(container.pageSizes);
        for (const { kind, iova: start, size, request } of sequence) {
          if (kind === 'unmap') container.unmap(start, size);
          else if (container.map(request) === 0) {
            expect((request.iova | request.size | request.hostAddress) % granule).toBe(0n);
          }
          expect(container.available).toBe(3 - container.mappings().length);
        }
      }),
    );
  });

  it('refuses every 4K and 8K map on a 64K host (host fact 9.10)', () => {
    fc.assert(
      fc.property(calls, fc.constantFrom(0x1000n, 0x2000n), (sequence, size) => {
        const container = new Type1Container({ hostPageSize: 0x10000n, domainPageSizes });
        for (const { request } of sequence) expect(container.map({ ...request, size })).toBe(Errno.EINVAL);
      }),
    );
  });

  it('unmaps in version 2 exactly the mappings inside the range, or none (host fact 9.5)', () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        const container = CONTAINERS['type1 v2']!();
        for (const { kind, iova: start, size, request } of sequence) {
          if (kind === 'map') {
            container.map(request);
            continue;
          }
          const before = container.mappings();
          const { errno, unmapped } = container.unmap(start, size);
          const inside = before.filter((one) => start <= one.iova && one.iova + one.size <= start + size);
          if (errno !== 0) {
            expect(container.mappings()).toBe(before);
            expect(unmapped).toBe(0n);
          } else {
            expect(container.mappings()).toEqual(before.filter((one) => !inside.includes(one)));
            expect(unmapped).toBe(bytesOf(inside));
          }
        }
      }),
    );
  });
});

it('a sPAPR container behaves like a table with one entry a page (random calls)', () => {
  fc.assert(
    fc.property(calls, (sequence) => {
      const container = new SpaprTceContainer({ hostPageSize });
      // The upper half of the memory that the calls map is not registered.
      const registered = (PAGES / 2n) * PAGE;
      container.registerMemory({ hostAddress: hostAddress(RAM), size: registered });
      const entries = new Map<bigint, bigint>();
      for (const { kind, iova: start, size, request } of sequence) {
        const pages = Array.from(
          { length: Number(size / PAGE) % 32 },
          (_, index) => start + BigInt(index) * PAGE,
        );
        if (kind === 'unmap') {
          const { errno, unmapped } = container.unmap(start, size);
          const set = errno === 0 ? pages.filter((page) => entries.delete(page)).length : 0;
          expect(unmapped).toBe(BigInt(set) * PAGE);
        } else {
          const errno = container.map(request);
          if ((start | size) % PAGE !== 0n || start >= 1n << 31n || start + size > 1n << 31n) {
            expect(errno).not.toBe(0);
            continue;
          }
          const source = (page: bigint): bigint => request.hostAddress + (page - start);
          const allowed = (page: bigint): boolean => source(page) + PAGE <= RAM + registered;
          const written = pages.filter(allowed);
          const complete = written.length === pages.length;
          expect(errno).toBe(complete ? 0 : Errno.EINVAL);
          for (const page of written) {
            if (complete) entries.set(page, source(page));
            else entries.delete(page);
          }
        }
        expectDisjoint(container.mappings());
        const live = new Map<bigint, bigint>();
        for (const mapping of container.mappings()) {
          expect(mapping.hostAddress - RAM).toBe(mapping.backing.offset);
          for (let at = 0n; at < mapping.size; at += PAGE)
            live.set(mapping.iova + at, mapping.hostAddress + at);
        }
        expect([...live]).toEqual([...entries].toSorted(([a], [b]) => Number(a - b)));
      }
    }),
  );
});

describe('dmaBufPart', () => {
  it.each([
    ['one area', [{ size: 0x3000n }], 0x1000n, { start: 0x1000n, bytes: 0x3000n, ranges: 1 }],
    [
      'the areas around an MSI-X table',
      [{ size: 0x3000n }, { size: 0xc000n }],
      0x4000n,
      { start: 0x4000n, bytes: 0xf000n, ranges: 2 },
    ],
  ])('tells the bytes and ranges of a dma-buf of %s (host facts B4 and B5)', (_, areas, start, part) => {
    expect(dmaBufPart(areas, start)).toEqual(part);
  });
});
