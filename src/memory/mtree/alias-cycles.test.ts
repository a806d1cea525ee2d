import { describe, expect, it } from 'vitest';
import { cutAliasCycles } from './alias-cycles.ts';
import type { MtreeRegion } from './mtree-region.ts';

/** A line that shows [start, end], and below it the children. */
const line = (
  name: string,
  [start, end]: readonly [bigint, bigint],
  children: readonly MtreeRegion[] = [],
  alias?: readonly [target: string, start: bigint, end: bigint],
): MtreeRegion =>
  ({
    name,
    start,
    end,
    children,
    alias: alias && { target: alias[0], start: alias[1], end: alias[2] },
  }) as unknown as MtreeRegion;

/** A container at `base` with an alias at 0x8000 in it, of one page, that shows the container from `from` on. */
function keepsTarget(from: bigint, base = 0n, size = 0x1000n): boolean {
  const at = base + 0x8000n;
  const alias = line('alias', [at, at + size - 1n], [], ['container', from, from + size - 1n]);
  const container = line('container', [base, base + 0xffffn], [alias]);
  const targets = new Map([[alias, container]]);
  cutAliasCycles([container], targets);
  return targets.has(alias);
}

describe('cutAliasCycles', () => {
  it.each([
    ['another part of its container', 0x0n, true],
    ['the part of its container that ends where the alias begins', 0x7000n, true],
    ['the part that begins where the alias ends', 0x9000n, true],
    ['a part that reaches into the alias, where each pass is cut', 0x7800n, true],
    ['itself', 0x8000n, false],
  ])('judges an alias of %s', (_, from, keeps) => {
    expect(keepsTarget(from)).toBe(keeps);
    expect(keepsTarget(from, 0x10_0000n)).toBe(keeps);
  });

  it('judges an alias of one byte, which shows itself', () => {
    expect(keepsTarget(0x8000n, 0n, 1n)).toBe(false);
    expect(keepsTarget(0x7fffn, 0n, 1n)).toBe(true);
  });

  it('assumes no end where an alias shows itself 64 times, though each pass shows less', () => {
    expect(keepsTarget(0x7c00n, 0n, 0x8000n)).toBe(true);
    expect(keepsTarget(0x7f00n, 0n, 0x8000n)).toBe(false);
  });

  it('cuts a cycle behind a tree that another cycle has led through', () => {
    const [a, b] = ['a', 'b'].map((name) => line(name, [0n, 0xffffn], [], ['outer', 0n, 0xffffn]));
    const inner = line('inner', [0n, 0xffffn], [a!, b!]);
    const outer = line('outer', [0n, 0xffffn], [inner]);
    const first = line('first', [0n, 0xffffn], [], ['inner', 0n, 0xffffn]);
    const targets = new Map([
      [first, inner],
      [a!, outer],
      [b!, outer],
    ]);
    cutAliasCycles([first, outer], targets);
    expect([...targets.keys()]).toEqual([first]);
  });

  it('cuts a chain of aliases alone, even if each pass shows less', () => {
    const a = line('a', [0n, 0xfffn], [], ['b', 0x800n, 0x17ffn]);
    const b = line('b', [0n, 0xfffn], [], ['a', 0n, 0xfffn]);
    const targets = new Map([
      [a, b],
      [b, a],
    ]);
    cutAliasCycles([a, b], targets);
    expect([...targets.keys()]).toEqual([a]);
  });

  /** Containers that each show the next one by two aliases; the last one shows the lower half of the first. */
  const doubling = (count: number, isCycle: boolean) => {
    const part = [0x8000n, 0xffffn] as const;
    const targets = new Map<MtreeRegion, MtreeRegion>();
    const last = line('end', part, [], ['c', 0n, 0x7fffn]);
    let first = line('c', [0n, 0xffffn], [last]);
    for (let index = 1; index < count; index++) {
      const aliases = ['one', 'two'].map((name) => line(name, part, [], ['c', ...part]));
      for (const alias of aliases) targets.set(alias, first);
      first = line('c', [0n, 0xffffn], aliases);
    }
    if (isCycle) targets.set(last, first);
    const all = targets.size;
    cutAliasCycles([first], targets);
    return { cut: all - targets.size, keepsLast: targets.has(last) };
  };

  it('assumes no end where a cycle is met after 2,000 aliases, though each pass shows less', () => {
    expect(doubling(10, true)).toEqual({ cut: 0, keepsLast: true });
    expect(doubling(20, true)).toEqual({ cut: 1, keepsLast: false });
  });

  it('follows each line once, however many aliases show it', () => {
    expect(doubling(40, false)).toEqual({ cut: 0, keepsLast: false });
  });

  it('cuts the last alias of a chain that leads back to itself', () => {
    const a = line('a', [0n, 0xfffn], [], ['b', 0n, 0xfffn]);
    const b = line('b', [0x1000n, 0x1fffn], [], ['a', 0n, 0xfffn]);
    const targets = new Map([
      [a, b],
      [b, a],
    ]);
    cutAliasCycles([a, b], targets);
    expect([...targets.keys()]).toEqual([a]);
  });

  it('cuts all cycles, also those that are left when others are cut', () => {
    const self = (at: bigint): MtreeRegion =>
      line('alias', [at, at + 0xfffn], [], ['container', at, at + 0xfffn]);
    const aliases = [self(0x1000n), self(0x4000n), self(0x8000n)];
    const container = line('container', [0n, 0xffffn], aliases);
    const targets = new Map(aliases.map((alias) => [alias, container]));
    cutAliasCycles([container], targets);
    expect(targets.size).toBe(0);
  });

  it('keeps aliases without a cycle, and follows each line once', () => {
    const ram = line('ram', [0n, 0xfffn]);
    const aliases = [0n, 1n, 2n].map((page) =>
      line('alias', [page << 12n, (page << 12n) + 0xfffn], [], ['ram', 0n, 0xfffn]),
    );
    const root = line('root', [0n, 0xffffn], aliases);
    const targets = new Map(aliases.map((alias) => [alias, ram]));
    cutAliasCycles([root, ram], targets);
    expect(targets.size).toBe(3);
  });

  it('takes an alias whose target is not known for the end of a rendering', () => {
    const unknown = line('unknown', [0x1000n, 0x1fffn], [], ['elsewhere', 0n, 0xfffn]);
    const alias = line('alias', [0x8000n, 0x8fffn], [], ['container', 0x1000n, 0x1fffn]);
    const container = line('container', [0n, 0xffffn], [unknown, alias]);
    const targets = new Map([[alias, container]]);
    cutAliasCycles([container], targets);
    expect(targets.has(alias)).toBe(true);
  });

  it('assumes no end where two aliases double each other 2,000 times', () => {
    const one = line('one', [0x0n, 0x7fff_ffffn], [], ['container', 0x1n, 0x8000_0000n]);
    const two = line('two', [0x0n, 0x7fff_ffffn], [], ['container', 0x2n, 0x8000_0001n]);
    const container = line('container', [0n, 0xffff_ffffn], [one, two]);
    const targets = new Map([
      [one, container],
      [two, container],
    ]);
    cutAliasCycles([container], targets);
    expect(targets.size).toBe(0);
  });
});
