import { beforeEach, describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS, hex, offset, type Size } from '../address/index.ts';
import { effectiveRoot, type AddressSpace } from './address-space.ts';
import type { FlatRange } from './flat-range.ts';
import { FlatView } from './flat-view.ts';
import { replayView } from './listener-registry.ts';
import type { MemoryListener } from './memory-listener.ts';
import { MemoryRegion } from './memory-region.ts';
import { QEMU_MEMORY } from './memory-rules.ts';
import { MemoryTopology } from './memory-topology.ts';

const GiB4 = 1n << 32n;
const HALF = 1n << 63n;

let topology: MemoryTopology;
let system: MemoryRegion;
let memory: AddressSpace;
let log: string[];

beforeEach(() => {
  topology = new MemoryTopology();
  system = MemoryRegion.container('system', END_OF_SPACE);
  memory = topology.createAddressSpace('memory', system);
  log = [];
});

const put = (region: MemoryRegion, address: bigint, priority = 0, into = system): MemoryRegion => {
  topology.addSubregion(into, region, offset(address), priority);
  return region;
};
const ram = (name: string, size = 0x1000n): MemoryRegion => MemoryRegion.ram(name, size);
const line = ({ start, end, region, offset }: FlatRange): string =>
  `${hex(start)}-${hex(end - 1n)} ${region.name}${offset === 0n ? '' : `+${hex(offset)}`}`;
const shown = (space = memory): string[] => space.view.ranges.map(line);
/** The ranges that a new rendering gives. */
const rendered = (space = memory): string[] => {
  const root = effectiveRoot(space.root);
  return root === undefined ? [] : FlatView.render(root).ranges.map(line);
};

/** Registers a listener that logs its calls, each with its name if it has one. */
function listen(space = memory, { name = '', priority = 0, nop = false } = {}): MemoryListener {
  const write = (text: string): void => void log.push(name === '' ? text : `${name}: ${text}`);
  const listener: MemoryListener = {
    name,
    priority,
    begin: () => write('begin'),
    regionAdd: (section) => write(`add ${line(section)}`),
    regionDel: (section) => write(`del ${line(section)}`),
    commit: () => write('commit'),
    ...(nop && { regionNop: (section: FlatRange) => write(`nop ${line(section)}`) }),
  };
  topology.registerListener(listener, space);
  return listener;
}
/** The calls that were logged while `change` ran. */
function heard(change: () => void): string[] {
  log = [];
  change();
  return log;
}

describe('the order of siblings', () => {
  const order = (): string[] => system.subregions.map(({ name }) => name);

  it('is by descending priority, negative ones last (memory fact 1.5)', () => {
    for (const priority of [0, 5, -1, 1, -0x8000_0000, 0x7fff_ffff]) put(ram(`${priority}`), 0n, priority);
    expect(order()).toEqual(['2147483647', '5', '1', '0', '-1', '-2147483648']);
    expect(shown()).toEqual(['0x0-0xfff 2147483647']);
  });

  it('is, for equal priorities, the one added last first (memory fact 1.5; SV-02)', () => {
    for (const [name, priority] of [['a', 1], ['b', 0], ['c', 1], ['d', 0], ['e', 2]] as const) put(ram(name), 0n, priority); // prettier-ignore
    expect(order()).toEqual(['e', 'c', 'a', 'd', 'b']);
  });

  it('lets BAR 1 hide BAR 3 once BAR 1 has moved over it (memory facts 1.5 and 1.6)', () => {
    const one = put(ram('bar1', 0x4000n), 0x1_0000n, 1);
    put(ram('bar3', 0x1000n), 0x2_0000n, 1);
    expect(heard(() => topology.setAddress(one, offset(0x1_f000n)))).toEqual([]);
    expect(shown()).toEqual(['0x1f000-0x22fff bar1']);
  });

  it('puts a region that moves before its siblings of equal priority (memory fact 1.6)', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => put(ram(name), 0n));
    put(ram('top'), 0n, 1);
    expect(order()).toEqual(['top', 'c', 'b', 'a']);
    topology.setAddress(a!, offset(0x1000n));
    expect(order()).toEqual(['top', 'a', 'c', 'b']);
    topology.setAddress(b!, b!.address);
    expect(order()).toEqual(['top', 'a', 'c', 'b']);
    expect(a).toMatchObject({ address: 0x1000n, end: 0x2000n, priority: 0, container: system });
    expect(c).toMatchObject({ address: 0n });
  });

  it('does not change by other setters (memory fact 1.6)', () => {
    const flash = put(MemoryRegion.romDevice('flash', 0x1000n), 0n);
    const window = put(MemoryRegion.alias('window', ram('target'), offset(0n), 0x1000n), 0n);
    put(ram('top'), 0n);
    for (const region of [flash, window]) {
      topology.setEnabled(region, false);
      topology.setEnabled(region, true);
      topology.setSize(region, 0x2000n);
      topology.setReadonly(region, true);
      topology.setRomdMode(region, false);
    }
    topology.setAliasOffset(window, offset(0x10n));
    expect(order()).toEqual(['top', 'window', 'flash']);
  });
});

describe('the end of what an alias shows', () => {
  it('follows the offset in the target and the size of the alias', () => {
    const topology = new MemoryTopology();
    const window = MemoryRegion.alias('window', MemoryRegion.ram('ram', 0x8000n), offset(0x1000n), 0x1000n);
    expect(window.alias?.end).toBe(0x2000n);
    topology.setAliasOffset(window, offset(0x4000n));
    expect(window.alias?.end).toBe(0x5000n);
    topology.setSize(window, 0x3000n);
    expect(window.alias?.end).toBe(0x7000n);
  });
});

describe('addSubregions', () => {
  const placedAt = (priorities: readonly number[]) =>
    priorities.map((priority, index) => ({
      region: MemoryRegion.ram(`r${index}`, 0x1000n as Size),
      address: offset(BigInt(index) * 0x1000n),
      priority,
    }));

  it('gives the order of siblings that addSubregion gives from the last region to the first', () => {
    const priorities = [0, 1, 0, -1, 1, 0, 2, -1];
    const orders = [true, false].map((atOnce) => {
      const topology = new MemoryTopology();
      const container = MemoryRegion.container('c', END_OF_SPACE);
      topology.addSubregion(container, MemoryRegion.ram('old', 0x1000n as Size), offset(0n), 0);
      const placed = placedAt(priorities);
      if (atOnce) topology.addSubregions(container, placed);
      else
        for (const { region, address, priority } of placed.toReversed())
          topology.addSubregion(container, region, address, priority);
      return container.subregions.map(({ name }) => name);
    });
    expect(orders[0]).toEqual(orders[1]);
  });

  // One insertion after the other into a sorted list takes minutes.
  it('adds 300,000 siblings of one priority before the time for a test is over', () => {
    const topology = new MemoryTopology();
    const placed = placedAt(Array.from({ length: 300_000 }, () => 0));
    const container = MemoryRegion.container('c', END_OF_SPACE);
    topology.addSubregions(container, placed);
    expect(container.subregions).toHaveLength(placed.length);
  });

  it('refuse a region that is in a container, and change nothing', () => {
    const topology = new MemoryTopology();
    const container = MemoryRegion.container('c', END_OF_SPACE);
    const [first, second] = placedAt([0, 0]);
    topology.addSubregion(MemoryRegion.container('d', END_OF_SPACE), second!.region, offset(0n));
    expect(() => topology.addSubregions(container, [first!, second!])).toThrow('r1 is already part of d');
    expect(container.subregions).toEqual([]);
    expect(topology.inTransaction).toBe(false);
  });
});

describe('addSubregion and removeSubregion', () => {
  it('refuse to add a region that is in a container, and change nothing (memory fact 1.4)', () => {
    const region = put(ram('r'), 0x1000n, 3);
    const other = MemoryRegion.container('other', END_OF_SPACE);
    for (const container of [other, system]) {
      expect(() => put(region, 0n, 0, container)).toThrow(new Error('r is already part of system'));
    }
    expect(region).toMatchObject({ container: system, address: 0x1000n, priority: 3 });
    expect(other.subregions).toEqual([]);
    expect(topology.inTransaction).toBe(false);
  });

  it('refuse to remove a region that is in no container', () => {
    const region = ram('r');
    expect(() => topology.removeSubregion(region)).toThrow(new Error('r is in no container'));
    put(region, 0n);
    topology.removeSubregion(region);
    expect(() => topology.removeSubregion(region)).toThrow(new Error('r is in no container'));
    expect(topology.inTransaction).toBe(false);
  });

  it('give a region priority 0 by default (memory fact 1.4)', () => {
    const region = ram('r');
    topology.addSubregion(system, region, offset(LAST_ADDRESS));
    expect(region).toMatchObject({ priority: 0, address: LAST_ADDRESS, end: LAST_ADDRESS + 0x1000n });
    expect(shown()).toEqual(['0xffffffffffffffff-0xffffffffffffffff r']);
    topology.removeSubregion(region);
    expect(region).toMatchObject({ container: undefined, address: LAST_ADDRESS });
    expect([system.subregions, shown()]).toEqual([[], []]);
  });

  it('do not add to the shared empty list of children', () => {
    const [a, b] = [ram('a'), ram('b')];
    put(ram('child'), 0n, 0, a);
    expect(b.subregions).toEqual([]);
    topology.removeSubregion(a.subregions[0]!);
    put(ram('another'), 0n, 0, b);
    expect(a.subregions).toEqual([]);
  });

  it.each([
    [GiB4 - 0x1000n, '0xfffff000-0xffffffff r'],
    [GiB4 - 0x800n, '0xfffff800-0x1000007ff r'],
    [HALF - 1n, '0x7fffffffffffffff-0x8000000000000ffe r'],
    [END_OF_SPACE - 0x1000n, '0xfffffffffffff000-0xffffffffffffffff r'],
  ])('show a region at %d, and leave no range there once it has moved', (address, expected) => {
    const region = put(ram('r'), address);
    expect(shown()).toEqual([expected]);
    topology.setAddress(region, offset(0n));
    expect(shown()).toEqual(['0x0-0xfff r']);
    topology.setAddress(region, offset(address));
    expect(shown()).toEqual([expected]);
    topology.removeSubregion(region);
    expect(shown()).toEqual([]);
  });
});

describe('an update of the views (memory fact 1.7)', () => {
  /** Whether `change` causes an update: begin and commit of the listeners. */
  const updates = (change: () => void): boolean => {
    const lines = heard(change);
    expect(lines.filter((one) => one === 'begin').length).toBe(
      lines.filter((one) => one === 'commit').length,
    );
    return lines.length > 0;
  };
  beforeEach(() => void listen());

  it.each([
    [true, true, true],
    [true, false, false],
    [false, true, false],
    [false, false, false],
  ])(
    'is caused by adding and removing, with container enabled %s and region enabled %s: %s',
    (container, region, expected) => {
      const child = ram('child');
      topology.setEnabled(system, container);
      topology.setEnabled(child, region);
      expect(updates(() => put(child, 0n))).toBe(expected);
      expect(updates(() => topology.setAddress(child, offset(0x1000n)))).toBe(expected);
      expect(updates(() => topology.removeSubregion(child))).toBe(expected);
    },
  );

  it('is caused by adding a region, even if the container is in no address space', () => {
    const nowhere = MemoryRegion.container('nowhere', 0x1000n);
    expect(updates(() => put(ram('child'), 0n, 0, nowhere))).toBe(true);
  });

  it('is caused by enabling, disabling and resizing, even of a region in no address space', () => {
    const lone = ram('lone');
    expect(updates(() => topology.setEnabled(lone, false))).toBe(true);
    expect(updates(() => topology.setSize(lone, 0n))).toBe(true);
    expect(updates(() => topology.setEnabled(lone, true))).toBe(true);
  });

  it.each([true, false])(
    'is caused by read-only, ROM-device mode and alias offset, if the region is enabled: %s',
    (enabled) => {
      const flash = MemoryRegion.romDevice('flash', 0x1000n);
      const window = MemoryRegion.alias('window', flash, offset(0n), 0x1000n);
      for (const region of [flash, window]) topology.setEnabled(region, enabled);
      expect(updates(() => topology.setReadonly(flash, true))).toBe(enabled);
      expect(updates(() => topology.setRomdMode(flash, false))).toBe(enabled);
      expect(updates(() => topology.setAliasOffset(window, offset(1n)))).toBe(enabled);
    },
  );

  it('is not caused by the address of a region in no container (memory fact 1.6)', () => {
    const lone = ram('lone');
    expect(updates(() => topology.setAddress(lone, offset(0x1000n)))).toBe(false);
    expect(lone).toMatchObject({ address: 0x1000n, end: 0x2000n });
  });

  it('is not caused by setting the present value (memory fact 1.6)', () => {
    const flash = put(MemoryRegion.romDevice('flash', 0x1000n), 0x1000n);
    const window = put(MemoryRegion.alias('window', flash, offset(0x10n), 0x1000n), 0n);
    expect(
      updates(() => {
        topology.setAddress(flash, flash.address);
        topology.setEnabled(flash, true);
        topology.setSize(flash, 0x1000n);
        topology.setReadonly(flash, false);
        topology.setRomdMode(flash, true);
        topology.setAliasOffset(window, offset(0x10n));
      }),
    ).toBe(false);
  });

  it('shows earlier changes that caused no update', () => {
    const hidden = put(MemoryRegion.io('hidden', 0x1000n), 0n);
    topology.setEnabled(hidden, false);
    expect(updates(() => put(ram('child'), 0x800n, 0, hidden))).toBe(false);
    expect(updates(() => topology.setReadonly(hidden, true))).toBe(false);
    expect(shown()).toEqual([]);
    topology.setEnabled(hidden, true);
    expect(shown()).toEqual(['0x0-0x7ff hidden', '0x800-0xfff child']);
    expect(memory.view.ranges.map(({ readonly }) => readonly)).toEqual([true, true]);
  });
});

describe('the setter', () => {
  it('setSize shrinks, extends and hides a region, up to 2^64 bytes', () => {
    const region = put(ram('r'), 0x1000n);
    put(ram('child'), 0x800n, 0, region);
    const sizes = [0x900n, 0n, 0x2000n, END_OF_SPACE, 1n].map((size) => {
      topology.setSize(region, size);
      expect(region).toMatchObject({ size, end: 0x1000n + size });
      expect(shown()).toEqual(rendered());
      return shown().length;
    });
    expect(sizes).toEqual([2, 0, 3, 3, 1]);
  });

  it('setReadonly and setRomdMode replace the ranges (QM-03)', () => {
    const flash = put(MemoryRegion.romDevice('flash', 0x1000n), 0n);
    listen();
    const replaced = ['begin', 'del 0x0-0xfff flash', 'add 0x0-0xfff flash', 'commit'];
    expect(heard(() => topology.setRomdMode(flash, false))).toEqual(replaced);
    expect(memory.view.ranges[0]).toMatchObject({ romdMode: false, readonly: false });
    expect(heard(() => topology.setReadonly(flash, true))).toEqual(replaced);
    expect(memory.view.ranges[0]).toMatchObject({ romdMode: false, readonly: true });
  });

  it('setAliasOffset shows another part of the target, and refuses a region that is no alias', () => {
    const target = ram('target', 0x4000n);
    const window = put(MemoryRegion.alias('window', target, offset(0n), 0x1000n), 0n);
    const parts = [0x1000n, 0x3800n, 0x4000n, LAST_ADDRESS].map((from) => {
      topology.setAliasOffset(window, offset(from));
      return shown();
    });
    expect(parts).toEqual([['0x0-0xfff target+0x1000'], ['0x0-0x7ff target+0x3800'], [], []]);
    expect(() => topology.setAliasOffset(target, offset(0n))).toThrow(new Error('target is no alias'));
    expect(topology.inTransaction).toBe(false);
  });
});

describe('a transaction (memory fact 3.1)', () => {
  beforeEach(() => void listen());

  it('updates the views once, at the end of the outermost one', () => {
    const lines = heard(() => {
      topology.begin();
      topology.begin();
      put(ram('a'), 0n);
      topology.transaction(() => put(ram('b'), 0x1000n));
      topology.commit();
      expect(topology.inTransaction).toBe(true);
      expect([log, shown()]).toEqual([[], []]);
      topology.commit();
      expect(topology.inTransaction).toBe(false);
    });
    expect(lines).toEqual(['begin', 'add 0x0-0xfff a', 'add 0x1000-0x1fff b', 'commit']);
  });

  it('is opened by each setter for itself', () => {
    const lines = heard(() => {
      put(ram('a'), 0n);
      put(ram('b'), 0x1000n);
    });
    expect(lines).toEqual(['begin', 'add 0x0-0xfff a', 'commit', 'begin', 'add 0x1000-0x1fff b', 'commit']);
  });

  it('calls no listener if no change caused an update', () => {
    expect(heard(() => topology.transaction(() => {}))).toEqual([]);
  });

  it('calls begin and commit if the update changes no range', () => {
    const region = put(ram('a'), 0n);
    expect(
      heard(() =>
        topology.transaction(() => {
          topology.setEnabled(region, false);
          topology.setEnabled(region, true);
        }),
      ),
    ).toEqual(['begin', 'commit']);
  });

  it('cannot be closed if none is open', () => {
    expect(() => topology.commit()).toThrow(new Error('commit without a transaction'));
    topology.transaction(() => {});
    expect(() => topology.commit()).toThrow(new Error('commit without a transaction'));
    expect(topology.inTransaction).toBe(false);
  });

  it('notifies listeners only of the last place of a region that moved several times', () => {
    const other = put(MemoryRegion.container('other', 0x1_0000n), 0x10_0000n);
    const region = put(ram('r'), 0n);
    const lines = heard(() =>
      topology.transaction(() => {
        topology.setAddress(region, offset(0x8000n));
        topology.removeSubregion(region);
        topology.setAddress(other, offset(0x20_0000n));
        put(region, 0x1000n, 0, other);
        topology.setAddress(other, offset(0x30_0000n));
      }),
    );
    expect(lines).toEqual(['begin', 'del 0x0-0xfff r', 'add 0x301000-0x301fff r', 'commit']);
  });

  it('is closed if the change throws', () => {
    const error = new Error('refused');
    const refuse = (): void => {
      throw error;
    };
    expect(() => topology.transaction(refuse)).toThrow(error);
    expect(topology.inTransaction).toBe(false);
  });
});

describe('several changes in one transaction', () => {
  /** A region with a smaller one on top, so that it has several ranges. */
  const withOverlay = (): MemoryRegion => {
    put(ram('overlay'), 0x1000n, 1);
    return put(ram('r', 0x8000n), 0n);
  };

  it('let a region grow and then remove it', () => {
    const region = withOverlay();
    topology.transaction(() => {
      topology.setSize(region, 0x1_0000n);
      topology.removeSubregion(region);
    });
    expect(shown()).toEqual(['0x1000-0x1fff overlay']);
  });

  it('let a region shrink and then remove it', () => {
    const region = withOverlay();
    topology.transaction(() => {
      topology.setSize(region, 0x800n);
      topology.removeSubregion(region);
    });
    expect(shown()).toEqual(['0x1000-0x1fff overlay']);
  });

  it('let a region shrink and then move it', () => {
    const region = withOverlay();
    topology.transaction(() => {
      topology.setSize(region, 0x800n);
      topology.setAddress(region, offset(0x1_0000n));
    });
    expect(shown()).toEqual(['0x1000-0x1fff overlay', '0x10000-0x107ff r']);
  });

  it('shrink a container, remove its child and move the container', () => {
    const holder = put(MemoryRegion.container('holder', 0x8000n), 0n);
    put(ram('anchor'), 0x20_0000n);
    put(ram('overlay'), 0x1000n, 1, holder);
    const region = put(ram('r', 0x8000n), 0n, 0, holder);
    topology.transaction(() => {
      topology.setSize(holder, 0x1800n);
      topology.removeSubregion(region);
      topology.setAddress(holder, offset(0x10_0000n));
    });
    expect(shown()).toEqual(['0x101000-0x1017ff overlay', '0x200000-0x200fff anchor']);
  });

  it('update the view on both sides of an unchanged range', () => {
    put(ram('big', 0x8000n), 0n);
    const [low, high] = [put(ram('low'), 0x1000n, 1), put(ram('high'), 0x6000n, 1)];
    const anchor = put(ram('anchor'), 0x10_0000n);
    topology.transaction(() => {
      topology.setSize(high, 0x800n);
      topology.setSize(low, 0x800n);
      topology.setReadonly(anchor, true);
    });
    expect(shown()).toEqual([
      '0x0-0xfff big',
      '0x1000-0x17ff low',
      '0x1800-0x5fff big+0x1800',
      '0x6000-0x67ff high',
      '0x6800-0x7fff big+0x6800',
      '0x100000-0x100fff anchor',
    ]);
  });
});

describe('an alias', () => {
  it('follows the changes of its target, also through another alias', () => {
    const target = put(MemoryRegion.container('target', 0x4000n), 0x10_0000n);
    const inner = put(MemoryRegion.alias('inner', target, offset(0x1000n), 0x2000n), 0x20_0000n);
    put(MemoryRegion.alias('outer', inner, offset(0x800n), 0x1000n), 0x30_0000n);
    const leaf = put(ram('leaf', 0x1000n), 0x2000n, 0, target);
    expect(shown()).toEqual(['0x102000-0x102fff leaf', '0x201000-0x201fff leaf', '0x300800-0x300fff leaf']);
    topology.setAddress(leaf, offset(0x1000n));
    expect(shown()).toEqual([
      '0x101000-0x101fff leaf',
      '0x200000-0x200fff leaf',
      '0x300000-0x3007ff leaf+0x800',
    ]);
    topology.setSize(leaf, 0x900n);
    expect(shown()).toEqual([
      '0x101000-0x1018ff leaf',
      '0x200000-0x2008ff leaf',
      '0x300000-0x3000ff leaf+0x800',
    ]);
    topology.setEnabled(leaf, false);
    expect(shown()).toEqual([]);
  });

  it('keeps its place if its target moves', () => {
    const target = put(ram('target', 0x2000n), 0x10_0000n);
    put(MemoryRegion.alias('one', target, offset(0n), 0x1000n), 0n);
    put(MemoryRegion.alias('two', target, offset(0x1000n), 0x1000n), 0x4000n);
    const aliased = ['0x0-0xfff target', '0x4000-0x4fff target+0x1000'];
    topology.setAddress(target, offset(0x20_0000n));
    expect(shown()).toEqual([...aliased, '0x200000-0x201fff target']);
    topology.removeSubregion(target);
    expect(shown()).toEqual(aliased);
    expect(memory.view.ranges.map(({ contained }) => contained)).toEqual([false, false]);
    put(target, END_OF_SPACE - 0x1000n, 7);
    expect(shown()).toEqual([...aliased, '0xfffffffffffff000-0xffffffffffffffff target']);
    expect(memory.view.ranges.map(({ priority, contained }) => [priority, contained])).toEqual(
      Array.from({ length: 3 }, () => [7, true]),
    );
  });

  it('does not change if its target changes in another part', () => {
    const target = ram('target', 0x4000n);
    put(MemoryRegion.alias('high', target, offset(0x2000n), 0x2000n), 0n);
    put(MemoryRegion.alias('low', target, offset(0n), 0x1000n), 0x4000n);
    listen();
    expect(heard(() => put(ram('child', 0x800n), 0n, 0, target))).toEqual([
      'begin',
      'del 0x4000-0x4fff target',
      'add 0x4000-0x47ff child',
      'add 0x4800-0x4fff target+0x800',
      'commit',
    ]);
  });

  it('merges with its neighbour as long as the two touch', () => {
    const target = ram('target', 0x2000n);
    put(MemoryRegion.alias('low', target, offset(0n), 0x1000n), 0n);
    const high = put(MemoryRegion.alias('high', target, offset(0x1000n), 0x1000n), 0x8000n);
    topology.setAddress(high, offset(0x1000n));
    expect(shown()).toEqual(['0x0-0x1fff target']);
    topology.setAddress(high, offset(0x1001n));
    expect(shown()).toEqual(['0x0-0xfff target', '0x1001-0x2000 target+0x1000']);
  });

  it('merges with a neighbour above', () => {
    const target = ram('target', 0x3000n);
    const low = put(MemoryRegion.alias('low', target, offset(0n), 0x1000n), 0x8000n);
    put(MemoryRegion.alias('high', target, offset(0x1000n), 0x1000n), 0x1000n);
    topology.setAddress(low, offset(0n));
    expect(shown()).toEqual(['0x0-0x1fff target']);
  });

  it('merges with neighbours of the same transaction, in any order', () => {
    const target = ram('target', 0x3000n);
    put(ram('anchor'), 0x10_0000n);
    for (const order of [
      [0n, 1n, 2n],
      [2n, 0n, 1n],
      [1n, 2n, 0n],
    ]) {
      // prettier-ignore
      const parts = order.map((page) =>
        MemoryRegion.alias(`part ${page}`, target, offset(page * 0x1000n), 0x1000n),
      );
      topology.transaction(() => parts.forEach((part) => put(part, part.alias!.offset)));
      expect(shown()).toEqual(['0x0-0x2fff target', '0x100000-0x100fff anchor']);
      topology.transaction(() => parts.forEach((part) => topology.removeSubregion(part)));
      expect(shown()).toEqual(['0x100000-0x100fff anchor']);
    }
  });
});

describe('the address spaces of a topology', () => {
  it('are listed in the order of their creation, and show their view at once', () => {
    put(ram('a'), 0n);
    const second = topology.createAddressSpace('second', system);
    expect(topology.addressSpaces).toEqual([memory, second]);
    expect(shown(second)).toEqual(['0x0-0xfff a']);
  });

  it('created in a transaction show their view at its end', () => {
    put(ram('a'), 0n);
    topology.begin();
    const space = topology.createAddressSpace('late', system);
    expect(space.view).toBe(FlatView.empty);
    topology.commit();
    expect(space.view).toBe(memory.view);
  });

  it('share one view if they have the same effective root (memory fact 2.8)', () => {
    put(ram('a'), 0n);
    put(ram('b'), 0x1000n);
    const busMaster = MemoryRegion.alias('bus master', system, offset(0n), END_OF_SPACE);
    const device = topology.createAddressSpace('device', busMaster);
    const other = topology.createAddressSpace('io', MemoryRegion.io('io', 0x1_0000n));
    expect(device.view).toBe(memory.view);
    expect(device.view.root).toBe(system);
    expect(other.view).not.toBe(memory.view);
    put(ram('c'), 0x2000n);
    expect(device.view).toBe(memory.view);
    topology.setEnabled(busMaster, false);
    expect(device.view).toBe(FlatView.empty);
    topology.setSize(busMaster, 0x2000n);
    topology.setEnabled(busMaster, true);
    expect(device.view.root).toBe(busMaster);
    expect(shown(device)).toEqual(['0x0-0xfff a', '0x1000-0x1fff b']);
    topology.setSize(busMaster, END_OF_SPACE);
    expect(device.view).toBe(memory.view);
  });

  it('share the empty view if they have no effective root (memory fact 2.8)', () => {
    const second = topology.createAddressSpace('second', MemoryRegion.container('nothing', 0x1000n));
    expect(memory.view).toBe(FlatView.empty);
    expect(second.view).toBe(FlatView.empty);
  });

  it('notify their listeners if their effective root appears, changes or disappears (memory fact 2.8)', () => {
    listen();
    const a = ram('a', 0x2000n);
    expect(heard(() => put(a, 0n))).toEqual(['begin', 'add 0x0-0x1fff a', 'commit']);
    expect(memory.view.root).toBe(a);
    const b = ram('b');
    expect(heard(() => put(b, 0x1000n, 1))).toEqual([
      'begin',
      'del 0x0-0x1fff a',
      'add 0x0-0xfff a',
      'add 0x1000-0x1fff b',
      'commit',
    ]);
    expect(memory.view.root).toBe(system);
    expect(heard(() => topology.setEnabled(a, false))).toEqual(['begin', 'del 0x0-0xfff a', 'commit']);
    expect(heard(() => topology.setAddress(b, offset(0n)))).toEqual([
      'begin',
      'del 0x1000-0x1fff b',
      'add 0x0-0xfff b',
      'commit',
    ]);
    expect(memory.view.root).toBe(b);
    expect(heard(() => topology.setEnabled(system, false))).toEqual(['begin', 'del 0x0-0xfff b', 'commit']);
    expect(memory.view).toBe(FlatView.empty);
    expect(heard(() => topology.setEnabled(system, true))).toEqual(['begin', 'add 0x0-0xfff b', 'commit']);
  });

  it('notify only of differences if they change from one shared view to another', () => {
    const [one, two] = ['one', 'two'].map((name) => {
      const root = MemoryRegion.container(name, END_OF_SPACE);
      topology.createAddressSpace(name, root);
      return root;
    }) as [MemoryRegion, MemoryRegion];
    const shared = ram('shared');
    for (const [index, root] of [one, two].entries()) {
      put(MemoryRegion.alias('alias', shared, offset(0n), 0x1000n), 0n, 0, root);
      put(ram(`own ${index}`), 0x1000n, 0, root);
    }
    const toOne = MemoryRegion.alias('to one', one, offset(0n), END_OF_SPACE);
    const toTwo = MemoryRegion.alias('to two', two, offset(0n), END_OF_SPACE);
    const holder = MemoryRegion.container('holder', END_OF_SPACE);
    put(toOne, 0n, 0, holder);
    put(toTwo, 0n, 0, holder);
    topology.setEnabled(toTwo, false);
    const space = topology.createAddressSpace('space', holder);
    expect(space.view.root).toBe(one);
    listen(space);
    const lines = heard(() =>
      topology.transaction(() => {
        topology.setEnabled(toOne, false);
        topology.setEnabled(toTwo, true);
      }),
    );
    expect(lines).toEqual(['begin', 'del 0x1000-0x1fff own 0', 'add 0x1000-0x1fff own 1', 'commit']);
    expect(space.view.root).toBe(two);
  });

  it('show the changes that a region had while it was disabled', () => {
    const shy = put(MemoryRegion.container('shy', 0x4000n), 0n);
    const leaf = put(ram('leaf'), 0n, 0, shy);
    put(ram('leaf 2'), 0x2000n, 0, shy);
    expect(memory.view.root).toBe(shy);
    topology.setEnabled(shy, false);
    topology.setAddress(leaf, offset(0x1000n));
    topology.setEnabled(shy, true);
    expect(shown()).toEqual(['0x1000-0x1fff leaf', '0x2000-0x2fff leaf 2']);
  });

  it('are updated in the order of their creation, each with removals first (memory fact 3.1)', () => {
    const region = put(ram('r'), 0n);
    put(ram('anchor'), 0x10_0000n);
    const second = topology.createAddressSpace(
      'second',
      MemoryRegion.alias('a', system, offset(0n), 0x10_0000n),
    );
    listen(second, { name: 'second' });
    listen(memory, { name: 'first' });
    expect(heard(() => topology.setAddress(region, offset(0x1000n)))).toEqual([
      'second: begin',
      'first: begin',
      'first: del 0x0-0xfff r',
      'first: add 0x1000-0x1fff r',
      'second: del 0x0-0xfff r',
      'second: add 0x1000-0x1fff r',
      'second: commit',
      'first: commit',
    ]);
  });

  it('notify each its own listeners if they share a view (memory facts 2.8 and 3.1)', () => {
    put(ram('a'), 0n);
    put(ram('b'), 0x1000n);
    const second = topology.createAddressSpace('second', system);
    listen(memory, { name: 'first' });
    listen(second, { name: 'second' });
    expect(heard(() => put(ram('c'), 0x2000n)).filter((one) => one.includes('add'))).toEqual([
      'first: add 0x2000-0x2fff c',
      'second: add 0x2000-0x2fff c',
    ]);
  });
});

describe('the address of a root', () => {
  // QEMU renders the effective root at its own address, also if that is an address in a container.
  const rootWith = (...children: readonly (readonly [string, bigint])[]): AddressSpace => {
    const root = MemoryRegion.container('root', 0x1_0000n);
    for (const [name, address] of children) put(ram(name), address, 0, root);
    return topology.createAddressSpace('space', root);
  };

  it('is the address at which its view begins (memory fact 2.2)', () => {
    const root = ram('root');
    topology.setAddress(root, offset(0x4000n));
    expect(shown(topology.createAddressSpace('space', root))).toEqual(['0x4000-0x4fff root']);
  });

  it('counts from the next update on if the root is in no container', () => {
    const space = rootWith(['a', 0n], ['b', 0x2000n]);
    topology.setAddress(space.root, offset(0x8000n));
    topology.setEnabled(ram('unrelated'), false);
    expect(shown(space)).toEqual(['0x8000-0x8fff a', '0xa000-0xafff b']);
  });

  it('changes if the root is added to a container, and its view moves', () => {
    const space = rootWith(['a', 0n], ['b', 0x2000n]);
    put(space.root, 0x8000n);
    expect(rendered(space)).toEqual(['0x8000-0x8fff a', '0xa000-0xafff b']);
    expect(shown(space)).toEqual(rendered(space));
  });

  it('changes if the root, a target of an alias, moves in its container, and the view moves', () => {
    const target = put(MemoryRegion.container('target', 0x1_0000n), 0n);
    put(ram('a'), 0n, 0, target);
    put(ram('b'), 0x2000n, 0, target);
    const space = topology.createAddressSpace(
      'space',
      MemoryRegion.alias('alias', target, offset(0n), 0x1_0000n),
    );
    topology.setAddress(target, offset(0x8000n));
    expect(rendered(space)).toEqual(['0x8000-0x8fff a', '0xa000-0xafff b']);
    expect(shown(space)).toEqual(rendered(space));
  });
});

describe('listeners', () => {
  it('hear additions by ascending priority and removals by descending priority (memory fact 3.2)', () => {
    for (const [name, priority] of [['ten', 10], ['zero', 0], ['ten b', 10], ['minus', -1], ['zero b', 0]] as const) listen(memory, { name, priority }); // prettier-ignore
    const rising = ['minus', 'zero', 'zero b', 'ten', 'ten b'];
    const said = (what: string, names: readonly string[]): string[] =>
      names.map((name) => `${name}: ${what}`);
    expect(memory.listeners.map(({ name }) => name)).toEqual(rising);
    const region = ram('r');
    expect(heard(() => put(region, 0n))).toEqual([
      ...said('begin', rising),
      ...said('add 0x0-0xfff r', rising),
      ...said('commit', rising),
    ]);
    expect(heard(() => topology.removeSubregion(region))).toEqual([
      ...said('begin', rising),
      ...said('del 0x0-0xfff r', rising.toReversed()),
      ...said('commit', rising),
    ]);
  });

  it('of all address spaces hear begin and commit of each update, by priority (memory fact 3.1)', () => {
    const other = topology.createAddressSpace('other', MemoryRegion.io('io', 0x1000n));
    listen(memory, { name: 'memory 5', priority: 5 });
    listen(other, { name: 'other 1', priority: 1 });
    listen(memory, { name: 'memory 1', priority: 1 });
    expect(heard(() => put(ram('r'), 0n))).toEqual([
      'other 1: begin',
      'memory 1: begin',
      'memory 5: begin',
      'memory 1: add 0x0-0xfff r',
      'memory 5: add 0x0-0xfff r',
      'other 1: commit',
      'memory 1: commit',
      'memory 5: commit',
    ]);
  });

  it('hear all removals before the first addition, each by ascending address (memory fact 3.3)', () => {
    const regions = [0x1000n, 0x5000n, 0x9000n].map((address) => put(ram(`r${hex(address)}`), address));
    put(ram('stays'), 0x3000n);
    listen();
    const lines = heard(() =>
      topology.transaction(() => {
        for (const region of regions.toReversed())
          topology.setAddress(region, offset(region.address - 0x1000n));
      }),
    );
    expect(lines).toEqual([
      'begin',
      'del 0x1000-0x1fff r0x1000',
      'del 0x5000-0x5fff r0x5000',
      'del 0x9000-0x9fff r0x9000',
      'add 0x0-0xfff r0x1000',
      'add 0x4000-0x4fff r0x5000',
      'add 0x8000-0x8fff r0x9000',
      'commit',
    ]);
  });

  it('hear that a cut range is removed in full, and that its pieces are added (memory fact 3.3)', () => {
    put(ram('r', 0x3000n), 0n);
    listen();
    const overlay = ram('overlay');
    expect(heard(() => put(overlay, 0x1000n, 1))).toEqual([
      'begin',
      'del 0x0-0x2fff r',
      'add 0x0-0xfff r',
      'add 0x1000-0x1fff overlay',
      'add 0x2000-0x2fff r+0x2000',
      'commit',
    ]);
    expect(heard(() => topology.removeSubregion(overlay))).toEqual([
      'begin',
      'del 0x0-0xfff r',
      'del 0x1000-0x1fff overlay',
      'del 0x2000-0x2fff r+0x2000',
      'add 0x0-0x2fff r',
      'commit',
    ]);
  });

  it('with regionNop hear of unchanged ranges among the additions (memory fact 3.3)', () => {
    const region = put(ram('r'), 0n);
    put(ram('stays'), 0x4000n);
    listen(memory, { name: 'high', priority: 1, nop: true });
    listen(memory, { name: 'without' });
    listen(memory, { name: 'low', nop: true });
    expect(
      heard(() => topology.setAddress(region, offset(0x8000n))).filter((one) => !/begin|commit/.test(one)),
    ).toEqual([
      'high: del 0x0-0xfff r',
      'low: del 0x0-0xfff r',
      'without: del 0x0-0xfff r',
      'low: nop 0x4000-0x4fff stays',
      'high: nop 0x4000-0x4fff stays',
      'without: add 0x8000-0x8fff r',
      'low: add 0x8000-0x8fff r',
      'high: add 0x8000-0x8fff r',
    ]);
  });

  it('with regionNop hear of unchanged ranges if another space changes (memory facts 2.9 and 3.3)', () => {
    put(ram('stays'), 0n);
    const other = MemoryRegion.io('io', 0x1000n);
    topology.createAddressSpace('other', other);
    listen(memory, { nop: true });
    expect(heard(() => topology.setSize(other, 0x2000n))).toEqual(['begin', 'nop 0x0-0xfff stays', 'commit']);
    listen(memory, { name: 'without' });
    expect(heard(() => topology.setSize(other, 0x1000n))).toContain('nop 0x0-0xfff stays');
  });

  it('with regionNop hear of unchanged ranges in each update (memory facts 1.7, 2.9 and 3.3)', () => {
    put(ram('stays'), 0n);
    listen(memory, { nop: true });
    expect(heard(() => topology.setSize(ram('lone'), 0n))).toEqual([
      'begin',
      'nop 0x0-0xfff stays',
      'commit',
    ]);
  });

  it('see the new view of their space in commit (memory fact 3.1)', () => {
    const seen: number[] = [];
    topology.registerListener(
      { name: 'reader', priority: 0, commit: () => void seen.push(memory.view.ranges.length) },
      memory,
    );
    topology.removeSubregion(put(ram('r'), 0n));
    expect(seen).toEqual([0, 1, 0]);
  });

  it('may have no callbacks', () => {
    const mute: MemoryListener = { name: 'mute', priority: 0 };
    topology.registerListener(mute, memory);
    const region = put(ram('r'), 0n);
    replayView(mute, memory);
    topology.removeSubregion(region);
    put(ram('s'), 0n);
    topology.unregisterListener(mute, memory);
    expect(memory.listeners).toEqual([]);
  });

  it('hear of the present view at registration, by ascending address (memory fact 3.5)', () => {
    put(ram('b'), 0x4000n);
    put(ram('a'), 0n);
    listen(memory, { name: 'old' });
    const lines = heard(() => listen(memory, { name: 'new' }));
    expect(lines).toEqual(['new: begin', 'new: add 0x0-0xfff a', 'new: add 0x4000-0x4fff b', 'new: commit']);
  });

  it('registered in a transaction hear of the view before it, and of the change at its end', () => {
    const region = put(ram('a'), 0n);
    topology.begin();
    topology.setAddress(region, offset(0x1000n));
    expect(heard(() => listen())).toEqual(['begin', 'add 0x0-0xfff a', 'commit']);
    expect(heard(() => topology.commit())).toEqual([
      'begin',
      'del 0x0-0xfff a',
      'add 0x1000-0x1fff a',
      'commit',
    ]);
  });

  it('hear that all ranges are removed when they are unregistered (memory fact 3.5)', () => {
    put(ram('b'), 0x4000n);
    put(ram('a'), 0n);
    const leaving = listen(memory, { name: 'leaving' });
    listen(memory, { name: 'staying' });
    expect(heard(() => topology.unregisterListener(leaving, memory))).toEqual([
      'leaving: begin',
      'leaving: del 0x0-0xfff a',
      'leaving: del 0x4000-0x4fff b',
      'leaving: commit',
    ]);
    expect(heard(() => put(ram('c'), 0x8000n))).toEqual([
      'staying: begin',
      'staying: add 0x8000-0x8fff c',
      'staying: commit',
    ]);
  });

  it('hear nothing when they are unregistered as before QEMU 2.12 (memory fact 3.5)', () => {
    put(ram('a'), 0n);
    const leaving = listen();
    expect(heard(() => topology.unregisterListener(leaving, memory, false))).toEqual([]);
    expect(heard(() => put(ram('b'), 0x8000n))).toEqual([]);
  });

  it('may be unregistered without being registered', () => {
    const unregistered: MemoryListener = { name: 'unregistered', priority: 0 };
    const staying = listen();
    topology.unregisterListener(unregistered, memory);
    expect(memory.listeners).toEqual([staying]);
  });

  it.each([
    ['complete', ['begin', 'add 0x0-0xfff a', 'commit']],
    ['without-commit', ['add 0x0-0xfff a']],
    ['silent', []],
  ] as const)('hear of the present view by the registration rule %s', (registration, expected) => {
    topology = new MemoryTopology({ ...QEMU_MEMORY, registration });
    memory = topology.createAddressSpace('memory', system);
    put(ram('a'), 0n);
    expect(heard(() => listen())).toEqual(expected);
  });

  it('hear additions before removals by the rule additions-first', () => {
    topology = new MemoryTopology({ ...QEMU_MEMORY, passes: 'additions-first' });
    memory = topology.createAddressSpace('memory', system);
    const region = put(ram('a'), 0n);
    listen();
    expect(heard(() => topology.setAddress(region, offset(0x1000n)))).toEqual([
      'begin',
      'add 0x1000-0x1fff a',
      'del 0x0-0xfff a',
      'commit',
    ]);
  });

  it('hear of the present view again by replay', () => {
    put(ram('a'), 0n);
    const listener = listen();
    expect(heard(() => replayView(listener, memory))).toEqual(['begin', 'add 0x0-0xfff a', 'commit']);
  });
});

describe('a region that lies in no container', () => {
  it('changes in the view that shows it through an alias', () => {
    const target = ram('target');
    put(MemoryRegion.alias('alias', target, offset(0n), 0x1000n), 0x4000n);
    put(ram('other'), 0x8000n);
    topology.setReadonly(target, true);
    expect(memory.view.at(0x4000n)?.readonly).toBe(true);
    topology.setEnabled(target, false);
    expect(shown()).toEqual(['0x8000-0x8fff other']);
  });
});
