import { describe, expect, it } from 'vitest';
import { LAST_ADDRESS } from '../../address/index.ts';
import { HIGHEST_PRIORITY } from './hidden-region.ts';
import type { MtreeRegion } from './mtree-region.ts';
import { placeTree } from './place-tree.ts';
import { TreePlacement, type TreeLine } from './tree-placement.ts';

const line = (
  level: number,
  [start, end]: readonly [bigint, bigint],
  markers = 0,
  priority = 0,
): TreeLine => {
  const region = { start, end, priority, name: 'r', type: 'i/o', nonvolatile: false, disabled: false };
  return { region: region as unknown as MtreeRegion, level, markers };
};

const ROOT = line(1, [0n, LAST_ADDRESS]);

/** A tree as nested lists of starts; `?` stands before a region without a line. */
const outline = ({ start, hidden, children }: MtreeRegion): unknown => {
  const text = `${hidden ? '?' : ''}${start.toString(16)}`;
  return children.length === 0 ? text : [text, ...children.map(outline)];
};

function place(lines: readonly TreeLine[], starts: readonly bigint[] = [], choices: readonly number[] = []) {
  const hiddenStarts = () => new Set(starts);
  const placement = new TreePlacement(lines, { rootStart: 0n, byIndent: false, hiddenStarts, choices });
  const found = placement.placeAll();
  return { found, alternatives: placement.alternatives, root: placement.finish(0) };
}

describe('the container of a line', () => {
  const page = line(2, [0x1000n, 0x1fffn]);

  it('is the line above if the two share an address, or else a hidden sibling of that', () => {
    expect(outline(place([ROOT, page, line(3, [0x1fffn, 0x2fffn])]).root)).toEqual(['0', ['1000', '1fff']]);
    expect(outline(place([ROOT, page, line(3, [0x2000n, 0x2fffn])]).root)).toEqual([
      '0',
      '1000',
      ['?1000', '2000'],
    ]);
  });

  it('is a hidden sibling of a line with one byte elsewhere', () => {
    const byte = line(2, [0x1000n, 0x1000n]);
    expect(outline(place([ROOT, byte, line(3, [0x2000n, 0x2fffn])]).root)).toEqual([
      '0',
      '1000',
      ['?1000', '2000'],
    ]);
  });

  it('is a hidden sibling of a line that starts above its last byte', () => {
    const below = line(3, [0x500n, 0x5ffn], 1);
    expect(outline(place([ROOT, page, below]).root)).toEqual(['0', '1000', ['?1000', '500']]);
  });

  it('is the line above if that has all addresses from its start around 2^64', () => {
    const half = 1n << 63n;
    const around = line(2, [half, half - 1n], 1);
    const { root, alternatives } = place([ROOT, around, line(3, [0x1000n, 0x1fffn], 1)]);
    expect(outline(root)).toEqual(['0', [half.toString(16), '1000']]);
    expect(alternatives).toEqual([2]);
  });

  it('is the innermost hidden region if the line would be out of order below the line above', () => {
    const lines = [ROOT, line(2, [0n, 0xffffn]), line(3, [0x1000n, 0x10ffn]), line(4, [0x2000n, 0x20ffn])];
    expect(outline(place([...lines, line(4, [0x1400n, 0x14ffn])], [], [0, 1]).root)).toEqual([
      '0',
      ['0', ['1000', '2000'], ['?1000', '1400']],
    ]);
  });

  it('needs the fewest hidden regions if some level between has no line', () => {
    expect(outline(place([ROOT, page, line(4, [0x8000n, 0x8fffn])]).root)).toEqual([
      '0',
      ['1000', ['?1000', '8000']],
    ]);
  });
});

describe('the choices of a placement', () => {
  it('are none where only one container is possible, with a marker or without', () => {
    const lines = [line(1, [0x5000n, 0x9fffn]), line(2, [0x6000n, 0x6fffn])];
    expect(place(lines, [0x1000n, 0x4000n]).alternatives).toEqual([]);
    const marked = [lines[0]!, { ...lines[1]!, markers: 1 }];
    expect(place(marked, [0x1000n, 0x4000n]).alternatives).toEqual([]);
  });

  it('are taken as the caller says, the first from the first number', () => {
    const lines = [ROOT, line(2, [0x1000n, 0x1fffn]), line(3, [0x1800n, 0x18ffn])];
    const [likeliest, other] = [place(lines), place(lines, [], [1])];
    expect([likeliest.alternatives, other.alternatives]).toEqual([[2], [2]]);
    expect(outline(likeliest.root)).toEqual(['0', ['1000', '1800']]);
    expect(outline(other.root)).toEqual(['0', '1000', ['?1000', '1800']]);
  });

  it('have the starts of a hidden region that wraps only below the start of its container', () => {
    const lines = [line(1, [0x5000n, 0x9fffn]), line(3, [0x6000n, 0x6fffn], 1)];
    // The hidden region starts with its container, or at 0x1000 or 0x4fff, where the marker is its own.
    expect(place(lines, [0x1000n, 0x4fffn, 0x5000n, 0x5001n]).alternatives).toEqual([3]);
    expect(outline(place(lines, [0x5000n, 0x4fffn], [1]).root)).toEqual(['5000', ['?4fff', '6000']]);
  });

  it('have no hidden region that wraps in front of the sibling before it', () => {
    const root = line(1, [0x5000n, 0x4fffn], 1);
    const lines = [root, line(2, [0x3000n, 0x3000n], 1), line(3, [0x3000n, 0x3fffn], 2)];
    // In the line above, or in a hidden region at 0x3000 by the order of siblings or by a start in the set; not at 0x2fff.
    expect(place(lines, [0x2fffn, 0x3000n]).alternatives).toEqual([3]);
    expect(place(lines, [0x2fffn]).alternatives).toEqual([2]);
  });

  it('are impossible where siblings would be out of order', () => {
    expect(place([ROOT, line(2, [0x2000n, 0x2fffn]), line(2, [0x1000n, 0x1fffn])]).found).toBe(false);
    expect(place([ROOT, line(2, [0x2000n, 0x2fffn]), line(2, [0x2000n, 0x2fffn], 0, 1)]).found).toBe(false);
    expect(place([ROOT, line(2, [0x2000n, 0x2fffn]), line(2, [0x2000n, 0x2fffn])]).found).toBe(true);
  });
});

describe('a region without a line', () => {
  it('is a disabled i/o region up to the last address, with the priority of a sibling at its start', () => {
    const lines = [
      line(1, [0x5000n, 0x9fffn]),
      line(2, [0x6000n, 0x6fffn], 0, 3),
      line(3, [0x7000n, 0x7fffn]),
    ];
    const { root } = place(lines);
    expect(root.children[1]).toMatchObject({
      start: 0x6000n,
      end: LAST_ADDRESS,
      priority: 3,
      type: 'i/o',
      nonvolatile: false,
      disabled: true,
      overflow: false,
      hidden: true,
    });
  });

  it('has the highest priority away from the sibling before it', () => {
    const lines = [
      line(1, [0x5000n, 0x9fffn]),
      line(2, [0x6000n, 0x6fffn], 0, 3),
      line(3, [0x7000n, 0x7fffn], 1),
    ];
    const { root } = place(lines, [0x4000n], [2]);
    expect(outline(root)).toEqual(['5000', '6000', ['?4000', '7000']]);
    expect(root.children[1]).toMatchObject({ priority: HIGHEST_PRIORITY, overflow: true });
  });

  it('may be the root, which wraps nowhere', () => {
    expect(place([line(2, [0x1000n, 0x1fffn])]).root).toMatchObject({
      start: 0n,
      end: LAST_ADDRESS,
      overflow: false,
      hidden: true,
      nonvolatile: false,
    });
  });
});

describe('placeTree', () => {
  it('goes by the indent after 1,000,000 lines if no placement fits', () => {
    const pairs = Array.from({ length: 60 }, (_, index) => {
      const start = BigInt(index + 1) << 12n;
      return [line(2, [start, start + 0xfffn]), line(3, [start + 0x800n, start + 0x8ffn])];
    });
    // No order of siblings allows the last line.
    const root = placeTree([ROOT, ...pairs.flat(), line(2, [0n, 0xfffn])], 0, false);
    expect(root.children).toHaveLength(61);
    expect(root.children.slice(0, 60).map(({ children }) => children.length)).toEqual(Array(60).fill(1));
    expect(root.children[60]).toMatchObject({ start: 0n, children: [] });
  });

  it('tries the later choices anew, from the likeliest on, after it has taken an earlier one back', () => {
    const HIGH = 0xffff_ffff_ffff_0000n;
    const lines = [
      ROOT,
      line(2, [0x4800n, 0x77ffn], 0, 1),
      line(4, [0x5800n, 0x5fffn], 2),
      line(5, [HIGH + 0xe800n, HIGH + 0xefffn], 1),
      line(3, [HIGH + 0xd800n, 0x7ffn]),
    ];
    expect(outline(placeTree(lines, 0, false))).toEqual([
      '0',
      ['4800', ['?4800', ['5800', 'ffffffffffffe800']], 'ffffffffffffd800'],
    ]);
  });
});
