import { describe, expect, it } from 'vitest';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';
import { identifyTrees } from './rebuild-identity.ts';

/** A line of `info mtree`; `more` says what differs from a plain line of RAM. */
const line = (
  name: string,
  [start, end]: readonly [bigint, bigint],
  children: readonly MtreeRegion[] = [],
  more: object = {},
): MtreeRegion =>
  ({
    name,
    start,
    end,
    children,
    priority: 0,
    type: 'ram',
    nonvolatile: false,
    disabled: false,
    ...more,
  }) as MtreeRegion;

const text = (spaces: readonly MtreeRegion[], sections: readonly MtreeRegion[]): MtreeText =>
  ({
    addressSpaces: spaces.map((root) => ({ names: [root.name], root })),
    sections: sections.map((root) => ({ name: root.name, root })),
  }) as unknown as MtreeText;

/** Whether a section with the root `section` is the line `inner` of an address space. */
function isSame(inner: MtreeRegion, section: MtreeRegion): boolean {
  const root = line('system', [0n, 0xff_ffffn], [inner], { type: 'container' });
  const { canonical, trees } = identifyTrees(text([root], [section]), true);
  const same = canonical(section) === inner;
  expect(trees).toEqual(same ? [root] : [root, section]);
  return same;
}

const ALIAS = { alias: { target: 'bar', start: 0x10n, end: 0x1fn } };

describe('a section', () => {
  it('is the line of another tree that is equal to it, wherever that lies', () => {
    expect(isSame(line('bar', [0x5000n, 0x5fffn]), line('bar', [0n, 0xfffn]))).toBe(false);
    expect(isSame(line('bar', [0x5000n, 0x5fffn]), line('bar', [0x5000n, 0x5fffn]))).toBe(true);
  });

  it.each<readonly [string, object]>([
    ['priority', { priority: 1 }],
    ['type', { type: 'rom' }],
    ['nonvolatile', { nonvolatile: true }],
    ['name', { name: 'other' }],
    ['disabled', { disabled: true }],
    ['owner', { owner: 'dev' }],
    ['parent', { parent: 'bus' }],
    ['size', { end: 0x1ffen }],
    ['alias', ALIAS],
  ])('is another region than a line that differs in: %s', (_, more) => {
    expect(isSame(line('bar', [0x1000n, 0x1fffn], [], more), line('bar', [0x1000n, 0x1fffn]))).toBe(false);
    expect(isSame(line('bar', [0x1000n, 0x1fffn], [], more), line('bar', [0x1000n, 0x1fffn], [], more))).toBe(
      true,
    );
  });

  it.each<readonly [string, object]>([
    ['target', { target: 'ram' }],
    ['start', { start: 0x11n }],
    ['end', { end: 0x2fn }],
  ])('is another alias than one with another %s', (_, more) => {
    const other = { alias: { ...ALIAS.alias, ...more } };
    expect(isSame(line('a', [0x1000n, 0x1fffn], [], ALIAS), line('a', [0x1000n, 0x1fffn], [], other))).toBe(
      false,
    );
  });

  it('has children that lie in it as those of the line do', () => {
    const inner = (at: bigint): MtreeRegion =>
      line('c', [0x4000n, 0x7fffn], [line('child', [at, at + 0xffn])]);
    expect(isSame(inner(0x4100n), inner(0x4100n))).toBe(true);
    expect(isSame(inner(0x4100n), inner(0x4200n))).toBe(false);
  });

  it('that is hidden is no line of another tree', () => {
    const hidden = line('bar', [0x1000n, 0x1fffn], [], { hidden: true });
    expect(isSame(line('bar', [0x1000n, 0x1fffn]), hidden)).toBe(false);
    expect(isSame(line('bar', [0x1000n, 0x1fffn], [], { hidden: true }), hidden)).toBe(false);
  });

  it('is no line that another section is', () => {
    const inner = line('bar', [0x1000n, 0x1fffn]);
    const root = line('system', [0n, 0xffffn], [inner], { type: 'container' });
    const [one, two] = [line('bar', [0x1000n, 0x1fffn]), line('bar', [0x1000n, 0x1fffn])];
    const { canonical, trees } = identifyTrees(text([root], [one, two]), true);
    expect([canonical(one), canonical(two)]).toEqual([inner, two]);
    expect(trees).toEqual([root, two]);
  });

  it('is the line of the largest tree, also where a smaller one that has the line comes first', () => {
    const bar = (): MtreeRegion => line('bar', [0x1000n, 0x1fffn]);
    const card = (): MtreeRegion => line('card', [0n, 0xffffn], [bar()], { type: 'container' });
    const [small, middle] = [bar(), card()];
    const large = line('system', [0n, 0xff_ffffn], [card()], { type: 'container' });
    const { canonical, trees } = identifyTrees(text([], [small, middle, large]), true);
    expect(trees).toEqual([large]);
    expect(canonical(middle)).toBe(large.children[0]);
    expect(canonical(small)).toBe(large.children[0]!.children[0]);
  });

  it('is another region than an equal line that the text does not show', () => {
    const hidden = line('bar', [0x1000n, 0x1fffn], [], { hidden: true });
    expect(isSame(hidden, line('bar', [0x1000n, 0x1fffn]))).toBe(false);
  });

  it('lies at its offset in the container', () => {
    const inner = line('bar', [0x5000n, 0x5fffn]);
    const container = line('bus', [0x1000n, 0x8fffn], [inner]);
    const root = line('system', [0n, 0xff_ffffn], [container], { type: 'container' });
    const section = line('bar', [0x4000n, 0x4fffn]);
    const { canonical } = identifyTrees(text([root], [section]), true);
    expect(canonical(section)).toBe(inner);
  });

  it('is one of several equal lines, and the next equal section is the next of them', () => {
    const lines = [1, 2, 3].map(() => line('bar', [0x1000n, 0x1fffn]));
    const sections = [1, 2, 3].map(() => line('bar', [0x1000n, 0x1fffn]));
    const root = line('system', [0n, 0xff_ffffn], lines, { type: 'container' });
    const { canonical, trees } = identifyTrees(text([root], sections), true);
    expect(sections.map((section) => lines.indexOf(canonical(section)))).toEqual([0, 1, 2]);
    expect(trees).toEqual([root]);
  });

  it('is one of several equal address spaces, and the next equal section is the next of them', () => {
    const spaces = [1, 2, 3].map(() => line('bar', [0n, 0xfffn]));
    const sections = [1, 2, 3].map(() => line('bar', [0n, 0xfffn]));
    const { canonical, trees } = identifyTrees(text(spaces, sections), false);
    expect(sections.map((section) => spaces.indexOf(canonical(section)))).toEqual([0, 1, 2]);
    expect(trees).toEqual(spaces);
  });

  it('pairs its own lines with those of the line', () => {
    const inner = line('c', [0x4000n, 0x7fffn], [line('child', [0x4000n, 0x40ffn])]);
    const root = line('system', [0n, 0xffffn], [inner], { type: 'container' });
    const section = line('c', [0x4000n, 0x7fffn], [line('child', [0x4000n, 0x40ffn])]);
    const { canonical } = identifyTrees(text([root], [section]), true);
    expect(canonical(section.children[0]!)).toBe(inner.children[0]);
    expect(canonical(root)).toBe(root);
  });
});

describe('two address spaces with equal trees', () => {
  const space = (): MtreeRegion => line('root', [0n, 0xffffn], [line('ram', [0n, 0xfffn])]);

  it('are one region, unless the text groups spaces by their root', () => {
    const [one, two] = [space(), space()];
    expect(identifyTrees(text([one, two], []), true).trees).toEqual([one]);
    expect(identifyTrees(text([one, two], []), false).trees).toEqual([one, two]);
  });

  it('may both be one line of a larger tree', () => {
    const inner = line('ram', [0n, 0xfffn]);
    const large = line('root', [0n, 0xffffn], [inner], { type: 'container' });
    const [one, two] = [line('ram', [0n, 0xfffn]), line('ram', [0n, 0xfffn])];
    const { canonical, trees } = identifyTrees(text([one, large, two], []), true);
    expect([canonical(one), canonical(two)]).toEqual([inner, inner]);
    expect(trees).toEqual([large]);
    const apart = identifyTrees(text([one, large, two], []), false);
    expect([apart.canonical(one), apart.canonical(two)]).toEqual([inner, two]);
  });
});
