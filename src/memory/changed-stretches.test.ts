import { beforeEach, describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../address/index.ts';
import type { AddressSpace } from './address-space.ts';
import { ChangedStretches } from './changed-stretches.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';

describe('ChangedStretches', () => {
  it('gives what was added since the last call, sorted and joined', () => {
    const changed = new ChangedStretches();
    for (const [start, end] of [[8n, 9n], [0n, 2n], [2n, 3n], [5n, 7n], [6n, 8n]] as const) changed.add({ start, end }); // prettier-ignore
    expect(changed.take()).toEqual([
      { start: 0n, end: 3n },
      { start: 5n, end: 9n },
    ]);
    expect(changed.take()).toEqual([]);
  });

  it('keeps one stretch over all if a caller never takes them', () => {
    const changed = new ChangedStretches();
    for (let page = 0n; page < 1000n; page++) changed.add({ start: 2n * page, end: 2n * page + 1n });
    const taken = changed.take();
    expect(taken.length).toBeLessThan(100);
    expect(taken[0]!.start).toBe(0n);
    expect(taken.at(-1)!.end).toBe(1999n);
  });
});

/** Stretches of one byte, each with a gap of `gap` bytes after it. */
function bytes(count: number, gap: bigint): readonly { start: bigint; end: bigint }[] {
  const step = 1n + gap;
  return Array.from({ length: count }, (_, at) => ({
    start: BigInt(at) * step,
    end: BigInt(at) * step + 1n,
  }));
}

describe('ChangedStretches that no caller takes', () => {
  const taken = (stretches: readonly { start: bigint; end: bigint }[]): readonly object[] => {
    const changed = new ChangedStretches();
    for (const stretch of stretches) changed.add(stretch);
    return changed.take();
  };

  it('keep 64 stretches apart, and join 65 into one', () => {
    expect(taken(bytes(64, 1n))).toEqual(bytes(64, 1n));
    expect(taken(bytes(65, 1n))).toEqual([{ start: 0n, end: 129n }]);
  });

  it('keep 32 stretches apart into which 65 join, but not 33', () => {
    const most = bytes(32, 9n);
    const twice = [...most, ...most, { start: 0n, end: 1n }];
    expect(taken(twice)).toEqual(most);
    const more = bytes(33, 9n);
    expect(taken([...more, ...more.slice(1)])).toEqual([{ start: 0n, end: 321n }]);
  });
});

describe('the changed stretches of an address space', () => {
  let topology: MemoryTopology;
  let root: MemoryRegion;
  let space: AddressSpace;
  let bar: MemoryRegion;

  beforeEach(() => {
    topology = new MemoryTopology();
    root = MemoryRegion.container('root', END_OF_SPACE);
    bar = MemoryRegion.ram('bar', 0x1000n);
    topology.addSubregion(root, MemoryRegion.ram('ram', 0x10000n), offset(0n));
    topology.addSubregion(root, bar, offset(0x80000n), 1);
    // With a single enabled child the effective root would be that child.
    topology.addSubregion(root, MemoryRegion.io('io', 0x1000n), offset(0x100000n));
    space = topology.createAddressSpace('memory', root);
    space.changed.take();
  });

  it('are the whole space when it is created', () => {
    const later = topology.createAddressSpace('later', root);
    expect(later.changed.take()).toEqual([{ start: 0n, end: END_OF_SPACE }]);
  });

  it('hold the old and the new place of a region that moved', () => {
    topology.setAddress(bar, offset(0xa0000n));
    expect(space.changed.take()).toEqual([
      { start: 0x80000n, end: 0x81000n },
      { start: 0xa0000n, end: 0xa1000n },
    ]);
  });

  it('hold the whole range that a region cuts', () => {
    topology.setAddress(bar, offset(0x4000n));
    expect(space.changed.take()[0]).toEqual({ start: 0n, end: 0x10000n });
  });

  it('are collected over several commits', () => {
    topology.setEnabled(bar, false);
    topology.setEnabled(bar, true);
    topology.addSubregion(root, MemoryRegion.io('io', 0x1000n), offset(0xf0000n));
    expect(space.changed.take()).toEqual([
      { start: 0x80000n, end: 0x81000n },
      { start: 0xf0000n, end: 0xf1000n },
    ]);
  });

  it('are none if a change shows nowhere', () => {
    topology.addSubregion(root, MemoryRegion.io('hidden', 0x1000n), offset(0x1000n), -1);
    topology.setReadonly(MemoryRegion.ram('elsewhere', 0x1000n), true);
    expect(space.changed.take()).toEqual([]);
  });

  it('are none of a space that shows nothing, whatever changes elsewhere', () => {
    const empty = topology.createAddressSpace('empty', MemoryRegion.container('empty', END_OF_SPACE));
    empty.changed.take();
    topology.setEnabled(bar, false);
    expect(empty.changed.take()).toEqual([]);
  });

  it('are known to a listener while the commit runs', () => {
    const heard: unknown[] = [];
    topology.registerListener(
      { name: 'ends', priority: 0, regionDel: () => void heard.push(...space.changed.take()) },
      space,
    );
    topology.setEnabled(bar, false);
    expect(heard).toEqual([{ start: 0x80000n, end: 0x81000n }]);
  });
});
