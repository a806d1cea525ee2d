import { describe, expect, it } from 'vitest';
import { END_OF_SPACE } from '../../address/index.ts';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';
import { assignTargets, type Resolution } from './rebuild-aliases.ts';
import { identifyTrees } from './rebuild-identity.ts';

/** A line of 64 KiB from address 0; `more` says what differs. */
const line = (name: string, children: readonly MtreeRegion[] = [], more: object = {}): MtreeRegion =>
  ({
    name,
    start: 0n,
    end: 0xffffn,
    children,
    priority: 0,
    type: 'i/o',
    nonvolatile: false,
    disabled: false,
    overflow: false,
    ...more,
  }) as MtreeRegion;

/** An alias that shows the bytes 0x10 to 0x1f of `target`, or the part that `more` names. */
const alias = (
  name: string,
  target: string,
  type = 'i/o',
  part: readonly [bigint, bigint] = [0x10n, 0x1fn],
) => line(name, [], { type, alias: { target, start: part[0], end: part[1] } });

const text = (space: readonly MtreeRegion[], sections: readonly MtreeRegion[]): MtreeText =>
  ({
    addressSpaces: space.length === 0 ? [] : [{ names: ['memory'], root: line('system', space) }],
    sections: sections.map((root) => ({ name: root.name, root })),
  }) as unknown as MtreeText;

function resolve(lines: readonly MtreeRegion[], sections: readonly MtreeRegion[] = []): Resolution {
  const parsed = text(lines, sections);
  return assignTargets(parsed, identifyTrees(parsed, true), false);
}

describe('the target of an alias, if several sections have the name,', () => {
  it('is the first section if all aliases are i/o, as before QEMU 5.0', () => {
    const a = alias('a', 'x');
    const [ram, io] = [line('x', [], { type: 'ram' }), line('x')];
    expect(resolve([a, line('dimm', [], { type: 'ram' })], [ram, io]).targets.get(a)).toBe(ram);
  });

  it('is the section with the type of the alias if some alias has another type', () => {
    const [a, b] = [alias('a', 'x'), alias('b', 'y', 'ram')];
    const [other, own, y] = [line('x', [], { type: 'rom' }), line('x'), line('y', [], { type: 'ram' })];
    const { targets, hiddenTypes, missing } = resolve([a, b], [other, own, y]);
    expect([targets.get(a), targets.get(b)]).toEqual([own, y]);
    expect(targets.get(a)).toBe(own);
    expect([hiddenTypes.size, missing.size]).toEqual([0, 0]);
  });

  it('is a section of another type if none has the type of the alias, and then counts as shown', () => {
    const a = alias('a', 'x', 'ram');
    const x = line('x');
    const { targets, hidden } = resolve([a], [x]);
    expect(targets.get(a)).toBe(x);
    expect(hidden.size).toBe(0);
  });

  it('is no section behind the first that is not shown, even if only that has a region in the part', () => {
    const a = alias('a', 'x');
    const [empty, filled] = [line('x'), line('x', [line('bar', [], { start: 0x10n, end: 0x1fn })])];
    expect(resolve([a], [empty, filled]).targets.get(a)).toBe(empty);
  });

  it('is not the section whose root is the alias', () => {
    const own = alias('x', 'x');
    const other = line('x', [line('bar', [], { start: 0x10n, end: 0x1fn })]);
    expect(resolve([], [own, other]).targets.get(own)).toBe(other);
  });

  /** Offsets of regions in a section at 0x1000 that an alias shows; does a second alias, of 0x10 to 0x1f, show it too? */
  it.each<readonly [string, readonly (readonly [bigint, bigint])[], boolean]>([
    ['starts at the last byte shown', [[0x1fn, 0x2fn]], true],
    ['starts behind the last byte shown', [[0x20n, 0x2fn]], false],
    ['ends at the first byte shown', [[0x0n, 0x10n]], true],
    ['ends in front of the first byte shown', [[0x0n, 0xfn]], false],
    ['has a sibling outside', [[0x0n, 0xfn], [0x10n, 0x10n]], true], // prettier-ignore
  ])('is the section that an alias shows already if a region in that %s', (_, offsets, shows) => {
    const start = 0x1000n;
    const inner = offsets.map(([first, last]) =>
      line('bar', [], { start: start + first, end: start + last }),
    );
    const [a, b] = [alias('a', 'x'), alias('b', 'x')];
    const [known, next] = [line('x', inner, { start, end: 0x1fffn }), line('x', [], { end: 0xfffn })];
    const { targets } = resolve([a, b], [known, next]);
    expect(targets.get(a)).toBe(known);
    expect(targets.get(b)).toBe(shows ? known : next);
  });
});

describe('the target of an alias, if no section has the name,', () => {
  it('is a region that is no alias, wherever the text has it', () => {
    const a = alias('a', 'd');
    const [shown, real] = [alias('d', 'e'), line('d')];
    expect(resolve([a, shown, real]).targets.get(a)).toBe(real);
  });

  it('is another alias of that name before it is missing, but not the alias itself', () => {
    const [a, b, e] = [alias('d', 'd'), alias('d', 'e'), line('e')];
    const { targets, missing } = resolve([a, b, e]);
    expect(targets.get(a)).toBe(b);
    expect(targets.get(b)).toBe(e);
    expect(missing.size).toBe(0);
  });

  it.each<readonly [string, readonly (readonly [bigint, bigint])[], bigint]>([
    ['one byte', [[5n, 5n]], 6n],
    ['the larger part last', [[0x0n, 0xfn], [0x100n, 0x10fn]], 0x110n], // prettier-ignore
    ['the larger part first', [[0x100n, 0x10fn], [0x0n, 0xfn]], 0x110n], // prettier-ignore
    ['a part around 2^64', [[0x10n, 0xfn]], END_OF_SPACE],
  ])('is missing, with all bytes that its aliases show: %s', (_, parts, size) => {
    const aliases = parts.map((part, index) => alias(`a${index}`, 'm', 'ram', part));
    const { missing, targets } = resolve(aliases);
    expect([...missing]).toEqual([['m', { size, type: 'ram' }]]);
    expect(targets.size).toBe(0);
  });
});

describe('the sections that no alias with a line shows', () => {
  it('belong behind the last alias that was the first to show its section', () => {
    const [a, again, c] = [alias('a', 'x'), alias('b', 'x'), alias('c', 'z')];
    const [x, y, z] = [line('x'), line('y'), line('z')];
    const { hidden, targets } = resolve([a, again, c], [x, y, z]);
    expect(targets.get(again)).toBe(x);
    expect([...hidden]).toEqual([[a, [y]]]);
    expect([...hidden.keys()][0]).toBe(a);
  });

  it('belong nowhere without an address space', () => {
    expect(resolve([], [line('x'), line('y')]).hidden.size).toBe(0);
  });

  it('have the type of an alias that shows them, if aliases have the types of their targets', () => {
    const [ram, io] = [alias('a', 'x', 'ram'), alias('b', 'y')];
    const [x, y] = [line('x', [], { hidden: true }), line('y', [], { hidden: true })];
    expect([...resolve([ram, io], [x, y]).hiddenTypes]).toEqual([
      [x, 'ram'],
      [y, 'i/o'],
    ]);
    expect(resolve([io], [y]).hiddenTypes.size).toBe(0);
  });
});
