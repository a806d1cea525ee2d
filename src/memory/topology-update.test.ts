import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../address/index.ts';
import type { AddressSpace } from './address-space.ts';
import { FlatView, wholeChange } from './flat-view.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';
import { updateTopology } from './topology-update.ts';

/** A view of RAM regions, each given by name, first page and number of pages. */
function viewOf(
  regions: ReadonlyMap<string, MemoryRegion>,
  ...places: readonly (readonly [name: string, page: bigint, pages: bigint])[]
): FlatView {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container('root', END_OF_SPACE);
  for (const [name, page, pages] of places) {
    const window = MemoryRegion.alias(name, regions.get(name)!, offset(0n), pages << 12n);
    topology.addSubregion(root, window, offset(page << 12n));
  }
  return FlatView.render(root);
}

const regions = new Map(['a', 'b', 'c'].map((name) => [name, MemoryRegion.ram(name, END_OF_SPACE)]));

/** The calls of a listener while one view replaces the other; with `nop`, those for unchanged ranges too. */
function difference(before: FlatView, after: FlatView, { nop = false } = {}): string[] {
  const heard: string[] = [];
  const tell =
    (what: string) =>
    ({ region, start, end }: { region: MemoryRegion; start: bigint; end: bigint }): void =>
      void heard.push(`${what} ${region.name} ${start >> 12n}..${end >> 12n}`);
  const listener = {
    name: 'test',
    priority: 0,
    regionAdd: tell('add'),
    regionDel: tell('del'),
    ...(nop && { regionNop: tell('nop') }),
  };
  const space: Pick<AddressSpace, 'name' | 'root' | 'view' | 'listeners'> = {
    name: 'space',
    root: MemoryRegion.container('root', END_OF_SPACE),
    view: after,
    listeners: [listener],
  };
  updateTopology(space, before, after, [wholeChange(before, after)]);
  return heard;
}

describe('updateTopology (memory fact 3.3)', () => {
  it.each([
    ['two empty views', [], [], []],
    ['an empty view and one with a range', [], [['a', 0n, 1n]], ['add a 0..1']],
    ['a view with a range and an empty one', [['a', 0n, 1n]], [], ['del a 0..1']],
    ['two equal views', [['a', 0n, 1n]], [['a', 0n, 1n]], []],
    ['a new range that starts later', [['a', 0n, 2n]], [['b', 1n, 1n]], ['del a 0..2', 'add b 1..2']],
    ['a new range that starts earlier', [['a', 1n, 1n]], [['b', 0n, 2n]], ['del a 1..2', 'add b 0..2']],
    [
      'a new range with the same start and another size (SV-01)',
      [['a', 0n, 2n]],
      [['a', 0n, 1n]],
      ['del a 0..2', 'add a 0..1'],
    ],
    [
      'a new range at the same place with another region',
      [['a', 0n, 1n]],
      [['b', 0n, 1n]],
      ['del a 0..1', 'add b 0..1'],
    ],
    [
      'a new range of the same region at another place',
      [['a', 1n, 1n]],
      [['a', 2n, 1n]],
      ['del a 1..2', 'add a 2..3'],
    ],
    [
      'a new range between two unchanged ones',
      [
        ['a', 0n, 1n],
        ['c', 4n, 1n],
      ],
      [
        ['a', 0n, 1n],
        ['b', 2n, 1n],
        ['c', 4n, 1n],
      ],
      ['add b 2..3'],
    ],
    [
      'ranges that end at 2^64',
      [['a', (1n << 52n) - 1n, 1n]],
      [['a', (1n << 52n) - 2n, 2n]],
      [`del a ${(1n << 52n) - 1n}..${1n << 52n}`, `add a ${(1n << 52n) - 2n}..${1n << 52n}`],
    ],
  ] as [string, [string, bigint, bigint][], [string, bigint, bigint][], string[]][])(
    'notifies a listener of the difference of %s',
    (_, old, fresh, expected) => {
      expect(difference(viewOf(regions, ...old), viewOf(regions, ...fresh))).toEqual(expected);
    },
  );

  it('notifies a listener with regionNop of unchanged ranges, by rising address among the additions', () => {
    const before = viewOf(regions, ['a', 0n, 1n], ['b', 4n, 1n], ['c', 8n, 1n]);
    const after = viewOf(regions, ['a', 0n, 1n], ['b', 2n, 1n], ['c', 8n, 1n]);
    expect(difference(before, after, { nop: true })).toEqual([
      'del b 4..5',
      'nop a 0..1',
      'add b 2..3',
      'nop c 8..9',
    ]);
  });

  it('does not read the views if there are no listeners (memory fact 3.4)', () => {
    const view = viewOf(regions, ['a', 0n, 1n]);
    const unreadable = new Proxy(view, {
      get: () => {
        throw new Error('looked at');
      },
    });
    const space = { name: 'space', root: view.root!, view, listeners: [] };
    expect(() => updateTopology(space, unreadable, unreadable, [])).not.toThrow();
  });
});
