import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../address/index.ts';
import { effectiveRoot } from './address-space.ts';
import { FlatView } from './flat-view.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';
import { SubregionIndex } from './subregion-index.ts';

const PAGE = 0x1000n;

/** One change of a container with many children; numbers that choose are taken modulo how many there are. */
type Change =
  | { readonly do: 'add'; readonly page: number; readonly pages: number; readonly priority: number }
  | { readonly do: 'remove'; readonly child: number }
  | { readonly do: 'move'; readonly child: number; readonly page: number }
  | { readonly do: 'resize'; readonly child: number; readonly pages: number };

const child = fc.nat(10_000);
const page = fc.oneof({ weight: 3, arbitrary: fc.nat(2000) }, { weight: 1, arbitrary: fc.nat(20) });
const pages = fc.oneof({ weight: 5, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.nat(1500) });
const priority = fc.integer({ min: -1, max: 1 });
const add = fc.record({ do: fc.constant('add' as const), page, pages, priority });
const changes: fc.Arbitrary<readonly Change[]> = fc
  .tuple(
    fc.array(add, { minLength: 100, maxLength: 900, size: 'max' }),
    fc.array(
      fc.oneof(
        { weight: 1, arbitrary: add },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), child }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), child, page }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), child, pages }) },
      ),
      { maxLength: 40, size: 'max' },
    ),
  )
  .map((parts) => parts.flat());

/** A container, and beside it the plain list that QEMU would keep. */
class Machine {
  readonly topology = new MemoryTopology();
  readonly root = MemoryRegion.container('root', END_OF_SPACE);
  readonly list: MemoryRegion[] = [];

  do(change: Change): void {
    const { topology, root, list } = this;
    if (change.do === 'add') {
      const region = MemoryRegion.ram('ram', BigInt(change.pages) * PAGE);
      topology.addSubregion(root, region, offset(BigInt(change.page) * PAGE), change.priority);
      this.#insert(region);
      return;
    }
    const region = list[change.child % list.length];
    if (region === undefined) return;
    const address = offset(change.do === 'move' ? BigInt(change.page) * PAGE : region.address);
    if (change.do === 'resize') topology.setSize(region, BigInt(change.pages) * PAGE);
    else if (change.do === 'remove') topology.removeSubregion(region);
    if (change.do === 'move' && region.address === address) return;
    if (change.do === 'move') topology.setAddress(region, address);
    if (change.do !== 'resize') list.splice(list.indexOf(region), 1);
    if (change.do === 'move') this.#insert(region);
  }

  /** memory fact 1.5 */
  #insert(region: MemoryRegion): void {
    const position = this.list.findIndex((other) => other.priority <= region.priority);
    this.list.splice(position === -1 ? this.list.length : position, 0, region);
  }
}

describe('the children of a container with many', () => {
  it('are in the order of a plain list, and found by their addresses, after any changes', () => {
    fc.assert(
      fc.property(changes, page, pages, (all, first, count) => {
        const machine = new Machine();
        for (const change of all) machine.do(change);
        const { root, list } = machine;
        expect(root.subregions.length).toBe(list.length);
        expect(root.subregions.every((region, index) => region === list[index])).toBe(true);
        const [start, end] = [BigInt(first) * PAGE, BigInt(first + count) * PAGE];
        const found = root.subregionIndex?.overlapping(start, end) ?? [];
        const expected = list.filter((one) => one.address < end && one.end > start);
        if (root.subregionIndex !== undefined) {
          expect(found.length).toBe(expected.length);
          expect(found.every((region, index) => region === expected[index])).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('are each found at their address, and no more once they are removed, among a thousand', () => {
    const topology = new MemoryTopology();
    const container = MemoryRegion.container('container', END_OF_SPACE);
    const regions = Array.from({ length: 1000 }, (_, at) => MemoryRegion.ram(`r${at}`, PAGE));
    const addressOf = (at: number) => offset(BigInt(2 * at) * PAGE);
    regions.forEach((region, at) => topology.addSubregion(container, region, addressOf(at)));
    const at = (index: number) =>
      container.subregionIndex!.overlapping(addressOf(index), addressOf(index + 1));
    for (const [index, region] of regions.entries()) expect(at(index)).toEqual([region]);
    for (let index = 999; index >= 0; index -= 3) topology.removeSubregion(regions[index]!);
    for (const [index, region] of regions.entries())
      expect(at(index)).toEqual(index % 3 === 0 ? [] : [region]);
  });

  it('show in an updated view what a new rendering shows', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const machine = new Machine();
        const space = machine.topology.createAddressSpace('memory', machine.root);
        const told = new Set<string>();
        const key = ({ start, end }: { start: bigint; end: bigint }): string => `${start}-${end}`;
        machine.topology.registerListener(
          {
            name: 'set',
            priority: 0,
            regionAdd: (range) => void told.add(key(range)),
            regionDel: (range) => expect(told.delete(key(range))).toBe(true),
          },
          space,
        );
        machine.topology.transaction(() => all.slice(0, 300).forEach((change) => machine.do(change)));
        all.slice(300).forEach((change) => machine.do(change));
        const root = effectiveRoot(machine.root);
        const expected = root === undefined ? [] : FlatView.render(root).ranges;
        expect(space.view.ranges.map(key)).toEqual(expected.map(key));
        expect(space.view.ranges.map(({ region }) => region)).toEqual(expected.map(({ region }) => region));
        expect([...told].toSorted()).toEqual(expected.map(key).toSorted());
      }),
      { numRuns: 30 },
    );
  });

  it('are told apart by whether several are enabled, for the effective root', () => {
    const topology = new MemoryTopology();
    const regions = Array.from({ length: 300 }, () => MemoryRegion.ram('ram', PAGE));
    for (const region of regions) topology.setEnabled(region, false);
    const index = new SubregionIndex(regions);
    expect(index.onlyEnabled()).toBeUndefined();
    topology.setEnabled(regions[77]!, true);
    expect(index.onlyEnabled()).toBe(regions[77]);
    topology.setEnabled(regions[299]!, true);
    expect(index.onlyEnabled()).toBe('several');
  });
});

describe('a container with many children', () => {
  it('shows them where it lies itself', () => {
    const topology = new MemoryTopology();
    const root = MemoryRegion.container('root', END_OF_SPACE);
    const container = MemoryRegion.container('container', 1000n * PAGE);
    const regions = Array.from({ length: 200 }, (_, at) => MemoryRegion.ram(`r${at}`, PAGE));
    regions.forEach((region, at) => topology.addSubregion(container, region, offset(BigInt(at) * 4n * PAGE)));
    topology.addSubregion(root, container, offset(5000n * PAGE));
    topology.addSubregion(root, MemoryRegion.io('io', PAGE), offset(0n));
    const space = topology.createAddressSpace('memory', root);
    const starts = space.view.ranges.map(({ start }) => start / PAGE);
    expect(starts).toEqual([0n, ...regions.map((_, at) => 5000n + 4n * BigInt(at))]);
    topology.setReadonly(regions[100]!, true);
    expect(space.view.at(5400n * PAGE)).toMatchObject({ readonly: true, offset: 0n });
    expect(space.view.ranges).toHaveLength(201);
  });
});

describe('a region that is resized among many siblings', () => {
  it('has its new size, in its container and in the view', () => {
    const topology = new MemoryTopology();
    const root = MemoryRegion.container('root', END_OF_SPACE);
    const regions = Array.from({ length: 200 }, (_, at) => MemoryRegion.ram(`r${at}`, PAGE));
    regions.forEach((region, at) => topology.addSubregion(root, region, offset(BigInt(at) * 4n * PAGE)));
    const space = topology.createAddressSpace('memory', root);
    expect(root.subregionIndex).toBeDefined();
    topology.setSize(regions[7]!, 3n * PAGE);
    expect(regions[7]).toMatchObject({ size: 3n * PAGE, end: 31n * PAGE });
    expect(space.view.at(30n * PAGE)?.region).toBe(regions[7]);
    topology.setSize(regions[7]!, PAGE);
    expect(space.view.at(30n * PAGE)).toBeUndefined();
    // Nothing lies behind the last region: the index must learn that the region reaches further.
    topology.setSize(regions[199]!, 3n * PAGE);
    expect(space.view.at(798n * PAGE)?.region).toBe(regions[199]);
    const hidden = MemoryRegion.ram('hidden', PAGE);
    topology.addSubregion(root, hidden, offset(798n * PAGE), -1);
    expect(space.view.at(798n * PAGE)?.region).toBe(regions[199]);
    topology.removeSubregion(hidden);
    expect(space.view.at(798n * PAGE)?.region).toBe(regions[199]);
  });
});

describe('a region among many siblings', () => {
  /** A container with 200 pages of RAM, 4 pages apart, shown at 0. */
  function make() {
    const topology = new MemoryTopology();
    const [outer, container] = ['outer', 'container'].map((name) =>
      MemoryRegion.container(name, END_OF_SPACE),
    );
    const regions = Array.from({ length: 200 }, (_, at) => MemoryRegion.ram(`r${at}`, PAGE));
    regions.forEach((region, at) =>
      topology.addSubregion(container!, region, offset(BigInt(at) * 4n * PAGE)),
    );
    topology.addSubregion(outer!, container!, offset(0n), 1);
    // With a second child the view is that of the outer container.
    topology.addSubregion(outer!, MemoryRegion.io('io', PAGE), offset(5000n * PAGE));
    const space = topology.createAddressSpace('memory', outer!);
    const shownAt = (at: bigint): string | undefined => space.view.at(at * PAGE)?.region.name;
    return { topology, outer: outer!, container: container!, regions, shownAt };
  }

  it('is gone from its container and from the view once it is removed', () => {
    const { topology, container, regions, shownAt } = make();
    topology.removeSubregion(regions[50]!);
    expect(shownAt(200n)).toBeUndefined();
    expect(container.subregions).toEqual(regions.filter((region) => region !== regions[50]).toReversed());
    expect(container.subregionIndex!.overlapping(199n * PAGE, 205n * PAGE)).toEqual([regions[51]]);
  });

  it('is told from others at the same address when it is removed', () => {
    const { topology, container, shownAt } = make();
    const same = ['a', 'b', 'c', 'd'].map((name) => MemoryRegion.ram(name, PAGE));
    for (const region of same) topology.addSubregion(container, region, offset(1000n * PAGE));
    for (const [removed, shown] of [
      [1, 'd'],
      [3, 'c'],
      [2, 'a'],
      [0, undefined],
    ] as const) {
      topology.removeSubregion(same[removed]!);
      expect(shownAt(1000n)).toBe(shown);
    }
    expect(container.subregions).toHaveLength(200);
  });

  it('is found at its end after it has grown, when a region that hid the end is gone', () => {
    const { topology, outer, regions, shownAt } = make();
    topology.setSize(regions[199]!, 4n * PAGE);
    const above = [796n, 797n, 798n, 799n].map((at) => {
      const region = MemoryRegion.io(`above ${at}`, PAGE);
      topology.addSubregion(outer, region, offset(at * PAGE), 2);
      return region;
    });
    topology.removeSubregion(above[3]!);
    expect([797n, 798n, 799n].map(shownAt)).toEqual(['above 797', 'above 798', 'r199']);
  });
});
