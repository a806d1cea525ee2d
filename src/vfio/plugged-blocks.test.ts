import { describe, expect, it } from 'vitest';
import { hex, pageSizeBitmap } from '../address/index.ts';
import { Type1Container } from '../host/index.ts';
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
}

function make({
  rules,
  block = BLOCK,
  blocks = 4n,
  maxMappings,
  memslotLimit,
  iommuPage = P4K,
}: Setting = {}) {
  const log = eventLog();
  const newest = revision('qemu-11.1');
  const discards = new RamDiscardManager(block, QEMU_MEMORY);
  const region = MemoryRegion.ram('virtio-mem', block * blocks, { discards });
  const iommu = new Type1Container({
    hostPageSize: P4K,
    domainPageSizes: pageSizeBitmap([iommuPage]),
    maxMappings,
  });
  const listener = new DmaListener({
    name: 'container',
    revision: { ...newest, listener: { ...newest.listener, ...rules } },
    iommuType: 'type1',
    iommu,
    hostPageSize: P4K,
    targetPageSize: P4K,
    memslotLimit,
    emit: log.emit,
  });
  const section = sectionOf(region, BASE, region.size, 0n);
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

  it('leaves a part mapped where the rules roll nothing back, and unmaps nothing where they say so', () => {
    const rules = { rollsBackPopulate: false, discardSpan: () => undefined, discardLimit: 'warned' } as const;
    const { discards, listener, section, iommu } = make({ rules, maxMappings: 1 });
    listener.regionAdd(section);
    discards.plug(part(0n, 2n));
    expect(iommu.mappings()).toHaveLength(1);
    discards.plug(part(3n, 1n));
    listener.regionDel(section);
    expect(iommu.mappings()).toHaveLength(1);
  });

  it('is mapped like other RAM where the rules follow no blocks', () => {
    const { listener, section, requests } = make({ rules: { followsDiscards: () => false } });
    listener.regionAdd(section);
    listener.regionDel(section);
    expect(requests()).toEqual(['map 0x100000000+0x40000', 'unmap 0x100000000+0x40000']);
  });

  it('ends QEMU if a block is smaller than a page of the IOMMU', () => {
    const { listener, section } = make({ iommuPage: 2n * BLOCK });
    expect(() => listener.regionAdd(section)).toThrow(VmmAbort);
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
    if (exceeds) expect(add).toThrow(VmmAbort);
    else expect(add).not.toThrow();
    const older = make({ ...setting, rules: { discardLimit: 'warned' } });
    older.listener.initialized = true;
    older.listener.regionAdd(older.section);
    expect(older.log.take().some((event) => event.type === 'message' && text.test(event.text))).toBe(exceeds);
  });
});
