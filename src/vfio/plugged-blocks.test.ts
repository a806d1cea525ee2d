import { describe, expect, it } from 'vitest';
import { hex, pageSizeBitmap } from '../address/index.ts';
import { Type1Container, type IommuContainer } from '../host/index.ts';
import { MemoryRegion, QEMU_MEMORY, RamDiscardManager } from '../memory/index.ts';
import { DmaListener } from './dma-listener.ts';
import { VmmAbort } from './failure.ts';
import type { ListenerRules } from './listener-rules.ts';
import { P4K, eventLog, revision, sectionOf } from './testing/fakes.ts';

const BLOCK = 0x1_0000n;
const BASE = 0x1_0000_0000n;

interface Setting {
  readonly rules?: Partial<ListenerRules>;
  readonly block?: bigint;
  readonly blocks?: bigint;
  readonly maxMappings?: number;
  readonly memslotLimit?: number;
  readonly iommuPage?: bigint;
  readonly detached?: boolean;
  /** Where the section lies in the region; the whole region when left out. */
  readonly shown?: { readonly offset: bigint; readonly size: bigint };
  /** Whether the host says how many mappings the container takes; true when left out. */
  readonly saysLimit?: boolean;
}

/** A container of a host that does not say how many mappings it takes. */
const withoutLimit = (container: Type1Container): IommuContainer => ({
  pageSizes: container.pageSizes,
  map: (request) => container.map(request),
  unmap: (iova, size) => container.unmap(iova, size),
  mappings: () => container.mappings(),
});

function make({
  rules,
  block = BLOCK,
  blocks = 4n,
  maxMappings,
  memslotLimit,
  iommuPage = P4K,
  detached,
  shown,
  saysLimit = true,
}: Setting = {}) {
  const log = eventLog();
  const newest = revision('qemu-11.1');
  const discards = new RamDiscardManager(block, QEMU_MEMORY);
  const region = MemoryRegion.ram('virtio-mem', block * blocks, { discards });
  const container = new Type1Container({
    hostPageSize: P4K,
    domainPageSizes: pageSizeBitmap([iommuPage]),
    maxMappings,
  });
  const iommu: IommuContainer = saysLimit ? container : withoutLimit(container);
  const listener = new DmaListener({
    name: 'container',
    revision: { ...newest, listener: { ...newest.listener, ...rules } },
    iommuType: 'type1',
    iommu,
    hostPageSize: P4K,
    targetPageSize: P4K,
    memslotLimit,
    ...(detached !== undefined && { detached }),
    emit: log.emit,
  });
  const { offset, size } = shown ?? { offset: 0n, size: region.size };
  const section = sectionOf(region, BASE, size, offset);
  const requests = (): string[] =>
    log.take().flatMap((event) => {
      if (event.type !== 'dma-map' && event.type !== 'dma-unmap') return [];
      const failed = event.errno === 0 ? '' : ` = -${event.errno}`;
      return [`${event.type.slice(4)} ${hex(event.iova)}+${hex(event.size)}${failed}`];
    });
  return { discards, listener, section, requests, iommu, log };
}

const part = (first: bigint, count: bigint) => ({ start: first * BLOCK, end: (first + count) * BLOCK });

describe('RAM of virtio-mem in a container (vfio fact 6.14)', () => {
  it('is mapped block by block as the guest plugs it, and unmapped in one request', () => {
    const { discards, listener, section, requests } = make();
    listener.regionAdd(section);
    expect(requests()).toEqual([]);
    discards.plug(part(1n, 2n));
    expect(requests()).toEqual(['map 0x100010000+0x10000', 'map 0x100020000+0x10000']);
    discards.unplug(part(1n, 2n));
    expect(requests()).toEqual(['unmap 0x100010000+0x20000']);
  });

  it('is mapped where it is plugged already when the section appears, and unmapped whole when the section leaves', () => {
    const { discards, listener, section, requests, iommu } = make();
    discards.plug(part(3n, 1n));
    listener.regionAdd(section);
    listener.regionDel(section);
    expect(requests()).toEqual(['map 0x100030000+0x10000', 'unmap 0x100000000+0x40000']);
    discards.plug(part(0n, 1n));
    expect([requests(), iommu.mappings()]).toEqual([[], []]);
  });

  it('stays unplugged if the host refuses a block, and nothing of the part stays mapped', () => {
    const { discards, listener, section, requests, iommu } = make({
      rules: { discardLimit: 'warned' },
      maxMappings: 1,
    });
    listener.regionAdd(section);
    discards.plug(part(0n, 2n));
    expect(requests()).toEqual([
      'map 0x100000000+0x10000',
      'map 0x100010000+0x10000 = -28',
      'unmap 0x100000000+0x20000',
    ]);
    expect([discards.plugged, iommu.mappings()]).toEqual([[], []]);
  });

  it('leaves a part mapped where the rules roll nothing back', () => {
    const rules = { rollsBackPopulate: false, discardLimit: 'warned' } as const;
    const { discards, listener, section, iommu, requests } = make({ rules, maxMappings: 1 });
    listener.regionAdd(section);
    discards.plug(part(0n, 2n));
    expect(iommu.mappings()).toHaveLength(1);
    expect(requests()).toEqual(['map 0x100000000+0x10000', 'map 0x100010000+0x10000 = -28']);
  });

  it('stays mapped where the rules ask for no unmap', () => {
    const { discards, listener, section, iommu } = make({ rules: { discardSpan: () => undefined } });
    listener.regionAdd(section);
    discards.plug(part(0n, 1n));
    discards.unplug(part(0n, 1n));
    expect(iommu.mappings()).toHaveLength(1);
    discards.plug(part(2n, 1n));
    listener.regionDel(section);
    expect(iommu.mappings()).toHaveLength(2);
  });

  it('is mapped like other RAM where the rules follow no blocks', () => {
    const { listener, section, requests } = make({ rules: { followsDiscards: () => false } });
    listener.regionAdd(section);
    listener.regionDel(section);
    expect(requests()).toEqual(['map 0x100000000+0x40000', 'unmap 0x100000000+0x40000']);
  });

  it('ends QEMU if a block is smaller than a page of the IOMMU', () => {
    const { listener, section } = make({ iommuPage: 2n * BLOCK });
    const add = (): void => listener.regionAdd(section);
    expect(add).toThrow(VmmAbort);
    expect(add).toThrow(
      expect.objectContaining({
        site: 'ram-discard-granularity',
        message:
          "vfio_ram_discard_register_listener: Assertion failed: blocks are smaller than the IOMMU's page",
      }),
    );
  });

  it.each([
    [8, false],
    [7, true],
  ])('of 4 blocks and 5 slots with %i mappings: more than the host takes is %s', (maxMappings, exceeds) => {
    const text = /possibly running out of DMA mappings/;
    const setting = { maxMappings, memslotLimit: 5 };
    const starting = make(setting);
    starting.listener.regionAdd(starting.section);
    expect(text.test(starting.listener.initialError ?? '')).toBe(exceeds);
    const running = make(setting);
    running.listener.initialized = true;
    const add = (): void => running.listener.regionAdd(running.section);
    if (exceeds) {
      expect(add).toThrow(
        expect.objectContaining({
          site: 'ram-discard-limit',
          message:
            'vfio: DMA mapping failed, unable to continue: ' +
            'vfio_ram_discard_register_listener: possibly running out of DMA mappings',
        }),
      );
    } else expect(add).not.toThrow();
    const older = make({ ...setting, rules: { discardLimit: 'warned' } });
    older.listener.initialized = true;
    older.listener.regionAdd(older.section);
    expect(older.log.take().some((event) => event.type === 'message' && text.test(event.text))).toBe(exceeds);
  });

  it('may have blocks as large as a page of the IOMMU', () => {
    const { discards, listener, section, requests } = make({ iommuPage: BLOCK });
    listener.regionAdd(section);
    discards.plug(part(0n, 1n));
    expect(requests()).toEqual(['map 0x100000000+0x10000']);
  });

  it('is mapped in a detached container as it is now, and follows no change', () => {
    const { discards, listener, section, requests } = make({ detached: true, maxMappings: 1 });
    discards.plug(part(0n, 1n));
    listener.regionAdd(section);
    expect(requests()).toEqual(['map 0x100000000+0x10000']);
    discards.plug(part(2n, 1n));
    discards.unplug(part(0n, 1n));
    expect([requests(), listener.initialError]).toEqual([[], undefined]);
  });

  it('is mapped where a section shows it that begins and ends inside blocks', () => {
    const shown = { offset: BLOCK + 0x4000n, size: 2n * BLOCK - 0x8000n };
    const { discards, listener, section, requests } = make({ shown });
    listener.regionAdd(section);
    discards.plug(part(0n, 4n));
    expect(requests()).toEqual(['map 0x100000000+0xc000', 'map 0x10000c000+0xc000']);
    discards.unplug(part(1n, 1n));
    expect(requests()).toEqual(['unmap 0x100000000+0xc000']);
  });

  it('is left section by section, each found by region and address', () => {
    const { discards, listener, section, requests } = make({ shown: { offset: 0n, size: 2n * BLOCK } });
    const { region } = section;
    const upper = sectionOf(region, BASE + 2n * BLOCK, 2n * BLOCK, 2n * BLOCK);
    const other = sectionOf(make().section.region, BASE + 8n * BLOCK, BLOCK, 0n);
    for (const one of [section, upper, other]) listener.regionAdd(one);
    listener.regionDel(sectionOf(region, upper.start, upper.size, upper.offset));
    discards.plug(part(0n, 4n));
    expect(requests()).toEqual(['map 0x100000000+0x10000', 'map 0x100010000+0x10000']);
    listener.regionDel(other);
    listener.regionDel(section);
    discards.unplug(part(0n, 4n));
    expect(requests()).toEqual(['unmap 0x100000000+0x20000']);
  });

  it('is left alone by another region that is at the same address for a moment', () => {
    const { discards, listener, section, requests } = make();
    const other = sectionOf(make().section.region, section.start, section.size, 0n);
    for (const one of [section, other]) listener.regionAdd(one);
    listener.regionDel(other);
    discards.plug(part(0n, 1n));
    expect(requests()).toEqual(['map 0x100000000+0x10000']);
    listener.regionDel(section);
    expect(requests()).toEqual(['unmap 0x100000000+0x40000']);
  });

  it('is followed without a look at the limit where the host does not say one', () => {
    const { listener, section } = make({ saysLimit: false, maxMappings: 1, memslotLimit: 5 });
    listener.initialized = true;
    expect(() => listener.regionAdd(section)).not.toThrow();
  });
});
