import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS, hex, offset } from '../address/index.ts';
import type { FlatRange } from './flat-range.ts';
import { FlatView } from './flat-view.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';

const GiB4 = 1n << 32n;
const HALF = 1n << 63n;

const topology = new MemoryTopology();
const container = (size = END_OF_SPACE, name = 'root'): MemoryRegion => MemoryRegion.container(name, size);
const put = (into: MemoryRegion, region: MemoryRegion, address: bigint, priority = 0): MemoryRegion => {
  topology.addSubregion(into, region, offset(address), priority);
  return region;
};
const alias = (target: MemoryRegion, from: bigint, size: bigint, name = 'alias'): MemoryRegion =>
  MemoryRegion.alias(name, target, offset(from), size);

/** A range as a line: first and last address, region, offset, and the attributes that are set. */
const line = (range: FlatRange): string => {
  const flags = (['readonly', 'nonvolatile', 'unmergeable'] as const).filter((flag) => range[flag]);
  const { start, end, region } = range;
  return [`${hex(start)}-${hex(end - 1n)} ${region.name} +${hex(range.offset)}`, ...flags].join(' ');
};
const rendered = (root: MemoryRegion): string[] => FlatView.render(root).ranges.map(line);

describe('rendering (memory fact 2.2)', () => {
  it('begins at the address of the root, and ends at 2^64', () => {
    const ram = MemoryRegion.ram('ram', END_OF_SPACE);
    expect(rendered(ram)).toEqual(['0x0-0xffffffffffffffff ram +0x0']);
    topology.setAddress(ram, offset(0x1000n));
    expect(rendered(ram)).toEqual(['0x1000-0xffffffffffffffff ram +0x0']);
    topology.setAddress(ram, offset(LAST_ADDRESS));
    expect(rendered(ram)).toEqual(['0xffffffffffffffff-0xffffffffffffffff ram +0x0']);
  });

  it('stores the root in the view', () => {
    const ram = MemoryRegion.ram('ram', 1n);
    expect(FlatView.render(ram).root).toBe(ram);
    expect(FlatView.empty).toMatchObject({ root: undefined, ranges: [] });
  });
});

describe('rendering a region', () => {
  it('gives no range if it is disabled (memory fact 2.3, step 1)', () => {
    const ram = MemoryRegion.ram('ram', 0x1000n);
    topology.setEnabled(ram, false);
    expect(rendered(ram)).toEqual([]);
    expect(FlatView.render(ram).root).toBe(ram);
  });

  it.each([
    [0n, '0x0-0xfff'],
    [GiB4 - 0x800n, '0xfffff800-0x1000007ff'],
    [GiB4, '0x100000000-0x100000fff'],
    [HALF - 1n, '0x7fffffffffffffff-0x8000000000000ffe'],
    [HALF, '0x8000000000000000-0x8000000000000fff'],
    [END_OF_SPACE - 0x1000n, '0xfffffffffffff000-0xffffffffffffffff'],
    [END_OF_SPACE - 0x800n, '0xfffffffffffff800-0xffffffffffffffff'],
  ])('at %d puts its range there (memory fact 2.3, step 2)', (address, expected) => {
    const root = container();
    put(root, MemoryRegion.ram('ram', 0x1000n), address);
    expect(rendered(root)).toEqual([`${expected} ram +0x0`]);
  });

  it('of 0 bytes gives no range, also for its children (memory fact 2.3, step 3)', () => {
    const root = container();
    const empty = put(root, MemoryRegion.io('empty', 0n), 0x1000n);
    put(empty, MemoryRegion.ram('child', 0x1000n), 0n);
    expect(rendered(root)).toEqual([]);
    put(root, alias(MemoryRegion.ram('ram', 0x1000n), 0n, 0n), 0x1000n, 1);
    expect(rendered(root)).toEqual([]);
    put(root, alias(MemoryRegion.ram('ram', 0n), 0n, 0x1000n), 0x1000n, 2);
    expect(rendered(root)).toEqual([]);
  });

  it('gives the range of a child, even if its container ends beyond 2^63 (QM-01)', () => {
    const root = container();
    const big = put(root, MemoryRegion.container('big', HALF - 1n), 0x100_0000_0000n);
    put(big, MemoryRegion.ram('ram', 0x1000_0000n), 0x1000_0000n);
    expect(rendered(root)).toEqual(['0x10010000000-0x1001fffffff ram +0x0']);
  });

  it('cuts children at the end of their container (memory facts 2.3, step 3, and 2.4)', () => {
    const root = container();
    const outer = put(root, container(0x1000n, 'outer'), 0x1000n);
    put(outer, MemoryRegion.ram('inside', 0x2000n), 0x800n);
    put(outer, MemoryRegion.ram('beyond', 0x1000n), 0x1000n, 1);
    expect(rendered(root)).toEqual(['0x1800-0x1fff inside +0x0']);
  });

  it('cuts children of 2^64 bytes at the end of the address space (memory fact 2.3, step 3)', () => {
    const root = container();
    const outer = put(root, container(END_OF_SPACE, 'outer'), HALF);
    put(outer, MemoryRegion.ram('ram', END_OF_SPACE), HALF - 0x1000n);
    expect(rendered(root)).toEqual(['0xfffffffffffff000-0xffffffffffffffff ram +0x0']);
  });

  it('fills only the gaps that its children leave (memory facts 2.3, steps 5 and 7, and 2.4)', () => {
    const parent = MemoryRegion.io('parent', 0x4000n);
    put(parent, MemoryRegion.ram('child', 0x1000n), 0x1000n, -100);
    expect(rendered(parent)).toEqual([
      '0x0-0xfff parent +0x0',
      '0x1000-0x1fff child +0x0',
      '0x2000-0x3fff parent +0x2000',
    ]);
  });

  it('leaves gaps between children unassigned if it is a container (memory fact 2.3, step 6)', () => {
    const root = container(0x4000n);
    put(root, MemoryRegion.ram('a', 0x1000n), 0n);
    put(root, MemoryRegion.ram('b', 0x1000n), 0x2000n);
    expect(rendered(root)).toEqual(['0x0-0xfff a +0x0', '0x2000-0x2fff b +0x0']);
  });

  it('gives only the tail of a child that begins inside a higher one (memory fact 2.3, step 7; QM-02)', () => {
    const root = container();
    put(root, MemoryRegion.io('vga', 0x80_0000n), 0x1000_0000n, 1);
    const hidden = put(root, MemoryRegion.io('hidden', 0x2_0000n), 0x100a_0000n);
    expect(rendered(root)).toEqual(['0x10000000-0x107fffff vga +0x0']);
    topology.setSize(hidden, 0x80_0000n);
    expect(rendered(root)).toEqual([
      '0x10000000-0x107fffff vga +0x0',
      '0x10800000-0x1089ffff hidden +0x760000',
    ]);
  });
});

describe('priority (memory fact 2.4)', () => {
  it('orders only the children of one container', () => {
    const root = container();
    const low = put(root, container(0x1000n, 'low'), 0n, 0);
    const high = put(root, container(0x1000n, 'high'), 0n, 1);
    put(low, MemoryRegion.ram('in-low', 0x1000n), 0n, 0x7fff_ffff);
    put(high, MemoryRegion.ram('in-high', 0x1000n), 0n, -0x8000_0000);
    expect(rendered(root)).toEqual(['0x0-0xfff in-high +0x0']);
  });

  it('may be negative: a region with -1 lies below RAM with 0', () => {
    const root = container();
    put(root, MemoryRegion.ram('ram', 0x1000n), 0n);
    put(root, MemoryRegion.io('pci', END_OF_SPACE), 0n, -1);
    expect(rendered(root)).toEqual(['0x0-0xfff ram +0x0', '0x1000-0xffffffffffffffff pci +0x1000']);
  });

  it('inside the target of an alias does not compete with the siblings of the alias', () => {
    const root = container();
    const pci = container(0x1000n, 'pci');
    put(pci, MemoryRegion.ram('bar', 0x1000n), 0n, 100);
    put(root, alias(pci, 0n, 0x1000n), 0n);
    put(root, MemoryRegion.ram('sibling', 0x800n), 0n, 1);
    expect(rendered(root)).toEqual(['0x0-0x7ff sibling +0x0', '0x800-0xfff bar +0x800']);
  });
});

describe('a disabled subtree (memory fact 2.4)', () => {
  it('is transparent', () => {
    const root = MemoryRegion.io('root', 0x2000n);
    const middle = put(root, MemoryRegion.io('middle', 0x1000n), 0n);
    put(middle, MemoryRegion.ram('leaf', 0x1000n), 0n);
    topology.setEnabled(middle, false);
    expect(rendered(root)).toEqual(['0x0-0x1fff root +0x0']);
  });

  it('shows through an alias of a child, unless that child is disabled (memory fact 2.3, step 4)', () => {
    const root = container();
    const hidden = put(root, container(0x1000n, 'hidden'), 0n);
    const ram = put(hidden, MemoryRegion.ram('ram', 0x1000n), 0n);
    put(root, alias(ram, 0n, 0x1000n), 0x4000n);
    topology.setEnabled(hidden, false);
    expect(rendered(root)).toEqual(['0x4000-0x4fff ram +0x0']);
    topology.setEnabled(ram, false);
    expect(rendered(root)).toEqual([]);
  });
});

describe('an alias (memory fact 2.3, step 4)', () => {
  it('shows a part of its target, independent of the address of the target', () => {
    const root = container();
    const ram = put(root, MemoryRegion.ram('ram', 0x4000n), 0x10_0000n);
    put(root, alias(ram, 0x1000n, 0x2000n), 0n);
    expect(rendered(root)).toEqual(['0x0-0x1fff ram +0x1000', '0x100000-0x103fff ram +0x0']);
  });

  it('shows high parts of its target at low addresses, where its base is negative', () => {
    const root = container();
    const ram = MemoryRegion.ram('ram', END_OF_SPACE);
    put(root, alias(ram, LAST_ADDRESS, 1n, 'top'), 0n);
    put(root, alias(ram, HALF, 0x1000n, 'half'), 0x1000n);
    put(root, alias(ram, END_OF_SPACE, 0x1000n, 'past'), 0x4000n);
    expect(rendered(root)).toEqual([
      '0x0-0x0 ram +0xffffffffffffffff',
      '0x1000-0x1fff ram +0x8000000000000000',
    ]);
  });

  it('shows only the bytes that both alias and target have', () => {
    const root = container();
    const ram = MemoryRegion.ram('ram', 0x1000n);
    put(root, alias(ram, 0x800n, END_OF_SPACE, 'long'), 0n);
    put(root, alias(ram, 0n, 0x10n, 'short'), 0x1000n);
    expect(rendered(root)).toEqual(['0x0-0x7ff ram +0x800', '0x1000-0x100f ram +0x0']);
  });

  it('shows the children of its target, cut at both ends', () => {
    const root = container();
    const pci = container(END_OF_SPACE, 'pci');
    put(pci, MemoryRegion.ram('bar0', 0x2000n), 0x1000n);
    put(pci, MemoryRegion.ram('bar1', 0x2000n), 0x4000n);
    put(root, alias(pci, 0x2000n, 0x3000n), 0n);
    expect(rendered(root)).toEqual(['0x0-0xfff bar0 +0x1000', '0x2000-0x2fff bar1 +0x0']);
  });

  it('does not show subregions of its own', () => {
    const root = container();
    const window = put(root, alias(MemoryRegion.ram('ram', 0x800n), 0n, 0x1000n), 0n);
    put(window, MemoryRegion.io('own', 0x1000n), 0n, 10);
    expect(rendered(root)).toEqual(['0x0-0x7ff ram +0x0']);
  });

  it('of an alias adds both offsets', () => {
    const root = container();
    const ram = MemoryRegion.ram('ram', 0x8000n);
    const inner = alias(ram, 0x1000n, 0x4000n, 'inner');
    put(root, inner, 0x10_0000n);
    put(root, alias(inner, 0x1000n, 0x1000n, 'outer'), 0x10_1000n, 1);
    put(root, alias(inner, 0x3000n, 0x4000n, 'clipped'), 0x20_0000n);
    expect(rendered(root)).toEqual(['0x100000-0x103fff ram +0x1000', '0x200000-0x200fff ram +0x4000']);
  });

  it('of a region that others show too gives a range of its own, unless it continues theirs', () => {
    const root = container();
    const ram = MemoryRegion.ram('ram', 0x4000n);
    put(root, alias(ram, 0n, 0x1000n, 'one'), 0n);
    put(root, alias(ram, 0x1000n, 0x1000n, 'two'), 0x1000n);
    put(root, alias(ram, 0n, 0x1000n, 'three'), 0x2000n);
    expect(rendered(root)).toEqual(['0x0-0x1fff ram +0x0', '0x2000-0x2fff ram +0x0']);
  });
});

describe('the attributes of a range', () => {
  it.each(['readonly', 'nonvolatile', 'unmergeable'] as const)(
    'include %s of each region on the path, also through aliases (memory facts 2.4 and 2.5)',
    (flag) => {
      for (const special of ['outer', 'alias', 'target', 'leaf']) {
        const options = (name: string) => ({ [flag]: name === special });
        const leaf = MemoryRegion.ram('leaf', 0x1000n, options('leaf'));
        const target = MemoryRegion.container('target', 0x1000n, options('target'));
        const outer = MemoryRegion.container('outer', 0x1000n, options('outer'));
        put(target, leaf, 0n);
        put(outer, MemoryRegion.alias('alias', target, offset(0n), 0x1000n, options('alias')), 0n);
        expect(rendered(outer), special).toEqual([`0x0-0xfff leaf +0x0 ${flag}`]);
      }
    },
  );

  it('do not include those of siblings, children or other subtrees (memory fact 2.5)', () => {
    const root = MemoryRegion.io('root', 0x3000n);
    const special = put(
      root,
      MemoryRegion.container('special', 0x1000n, { readonly: true, nonvolatile: true }),
      0n,
    );
    put(special, MemoryRegion.ram('below', 0x800n), 0n);
    put(root, MemoryRegion.ram('beside', 0x1000n), 0x1000n);
    expect(rendered(root)).toEqual([
      '0x0-0x7ff below +0x0 readonly nonvolatile',
      '0x800-0xfff root +0x800',
      '0x1000-0x1fff beside +0x0',
      '0x2000-0x2fff root +0x2000',
    ]);
  });

  it('are collected from several regions (memory fact 2.5)', () => {
    const outer = MemoryRegion.container('outer', 0x1000n, { readonly: true });
    const middle = put(outer, MemoryRegion.container('middle', 0x1000n, { unmergeable: true }), 0n);
    put(middle, MemoryRegion.ram('leaf', 0x1000n, { nonvolatile: true }), 0n);
    expect(rendered(outer)).toEqual(['0x0-0xfff leaf +0x0 readonly nonvolatile unmergeable']);
  });

  it('include the ROM-device mode of the leaf (memory fact 2.5)', () => {
    const flash = MemoryRegion.romDevice('flash', 0x1000n);
    expect(FlatView.render(flash).ranges[0]!.romdMode).toBe(true);
    topology.setRomdMode(flash, false);
    expect(FlatView.render(flash).ranges[0]!.romdMode).toBe(false);
  });
});

describe('merging (memory fact 2.6)', () => {
  const chain = (flags: readonly object[]): string[] => {
    const root = container();
    const ram = MemoryRegion.ram('ram', 0x4000n);
    flags.forEach((options, index) => {
      const at = offset(BigInt(index) * 0x1000n);
      put(root, MemoryRegion.alias(`a${index}`, ram, at, 0x1000n, options), at);
    });
    return rendered(root);
  };

  it('makes one range of a chain of four', () => {
    expect(chain([{}, {}, {}, {}])).toEqual(['0x0-0x3fff ram +0x0']);
  });

  it.each(['readonly', 'nonvolatile'] as const)('keeps ranges apart that differ only in %s', (flag) => {
    expect(chain([{}, { [flag]: true }, { [flag]: true }, {}])).toEqual([
      '0x0-0xfff ram +0x0',
      `0x1000-0x2fff ram +0x1000 ${flag}`,
      '0x3000-0x3fff ram +0x3000',
    ]);
  });

  it('never joins an unmergeable range, not even with another one', () => {
    expect(chain([{}, { unmergeable: true }, { unmergeable: true }, {}])).toEqual([
      '0x0-0xfff ram +0x0',
      '0x1000-0x1fff ram +0x1000 unmergeable',
      '0x2000-0x2fff ram +0x2000 unmergeable',
      '0x3000-0x3fff ram +0x3000',
    ]);
  });

  it('does not cut an unmergeable range where no other region answers', () => {
    const root = MemoryRegion.ram('root', 0x4000n, { unmergeable: true });
    const hidden = put(root, container(0x1000n, 'nothing in it'), 0x1000n);
    put(hidden, MemoryRegion.ram('disabled', 0x800n), 0n);
    topology.setEnabled(hidden.subregions[0]!, false);
    expect(rendered(root)).toEqual(['0x0-0x3fff root +0x0 unmergeable']);
  });

  it('joins a range with a higher one that shows the same bytes of the same region', () => {
    const root = container();
    const ram = MemoryRegion.ram('ram', 0x4000n);
    put(root, ram, 0n);
    put(root, alias(ram, 0x1000n, 0x1000n), 0x1000n, 1);
    expect(rendered(root)).toEqual(['0x0-0x3fff ram +0x0']);
  });

  it('keeps ranges apart that differ in region or jump in offset', () => {
    const root = container();
    const ram = MemoryRegion.ram('ram', 0x4000n);
    put(root, alias(ram, 0x1000n, 0x1000n, 'a'), 0n);
    put(root, alias(ram, 0x3000n, 0x1000n, 'b'), 0x1000n);
    put(root, MemoryRegion.ram('other', 0x1000n), 0x2000n);
    expect(rendered(root)).toEqual([
      '0x0-0xfff ram +0x1000',
      '0x1000-0x1fff ram +0x3000',
      '0x2000-0x2fff other +0x0',
    ]);
  });
});

describe('FlatView.at', () => {
  it('finds the range that holds an address, or undefined', () => {
    const root = container();
    put(root, MemoryRegion.ram('low', 0x1000n), 0x1000n);
    put(root, MemoryRegion.ram('next', 0x1000n), 0x2000n);
    put(root, MemoryRegion.ram('top', 0x1000n), END_OF_SPACE - 0x1000n);
    const view = FlatView.render(root);
    const name = (address: bigint): string | undefined => view.at(address)?.region.name;
    expect([0n, 0xfffn, 0x3000n, GiB4, HALF, END_OF_SPACE - 0x1001n, END_OF_SPACE].map(name)).toEqual(
      Array.from({ length: 7 }),
    );
    expect([0x1000n, 0x1fffn].map(name)).toEqual(['low', 'low']);
    expect([0x2000n, 0x2fffn].map(name)).toEqual(['next', 'next']);
    expect([END_OF_SPACE - 0x1000n, LAST_ADDRESS].map(name)).toEqual(['top', 'top']);
    expect(FlatView.empty.at(0n)).toBeUndefined();
  });
});

describe('rerender', () => {
  const pages = (from: bigint, to: bigint) => ({ start: from << 12n, end: to << 12n });

  it('changes nothing without a root or a window', () => {
    expect(FlatView.empty.rerender([pages(0n, 9n)])).toEqual({ view: FlatView.empty, changes: [] });
    const view = FlatView.render(MemoryRegion.ram('ram', 0x1000n));
    const { view: same, changes } = view.rerender([]);
    expect(same).toBe(view);
    expect(changes).toEqual([]);
  });

  it('gives the same view where no range changed', () => {
    const view = FlatView.render(MemoryRegion.ram('ram', 0x1000n));
    expect(view.rerender([pages(0n, 1n)]).view).toBe(view);
  });

  it('renders a window anew that holds another one', () => {
    const root = container();
    put(root, MemoryRegion.ram('first', 0x1000n), 0n);
    const view = FlatView.render(root);
    put(root, MemoryRegion.ram('inner', 0x1000n), 0x2000n);
    put(root, MemoryRegion.ram('outer', 0x1000n), 0x32000n);
    const update = view.rerender([pages(1n, 100n), pages(2n, 3n)]);
    expect(update.view.ranges.map(line)).toEqual(rendered(root));
    expect(update.changes).toHaveLength(1);
  });

  it.each([
    ['priority', (bar: MemoryRegion) => topology.addSubregion(container(), bar, offset(0n), 3)],
    ['container', (bar: MemoryRegion) => topology.addSubregion(container(), bar, offset(0n))],
  ])('shows that the %s of a region changed, which "info mtree -f" prints', (_, change) => {
    const bar = MemoryRegion.ram('bar', 0x1000n);
    const view = FlatView.render(bar);
    change(bar);
    const { view: after } = view.rerender([pages(0n, 1n)]);
    expect(after).not.toBe(view);
    expect(after.ranges[0]).toMatchObject({ priority: bar.priority, contained: true });
  });
});
