import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RedBlackTree, type TreeNode } from './red-black-tree.ts';

interface Value {
  readonly key: number;
}

const order =
  ({ key }: Value) =>
  (existing: Value): 'left' | 'right' =>
    key < existing.key ? 'left' : 'right';

const depth = (node: TreeNode<Value> | undefined): number =>
  node === undefined ? 0 : 1 + Math.max(depth(node.left), depth(node.right));

/** The shape as nested arrays of keys. */
const shape = (node: TreeNode<Value> | undefined): unknown =>
  node === undefined ? [] : [shape(node.left), node.value.key, shape(node.right)];

const treeOf = (keys: readonly number[]): { tree: RedBlackTree<Value>; values: Value[] } => {
  const tree = new RedBlackTree<Value>();
  const values = keys.map((key) => ({ key }));
  for (const value of values) tree.insert(value, order(value));
  return { tree, values };
};

describe('RedBlackTree', () => {
  it('holds the values in order, and stays shallow, after any insertions and removals', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 40 }), removes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const tree = new RedBlackTree<Value>();
        const values: Value[] = [];
        for (const { key, removes } of steps) {
          const [victim] = removes ? values.splice(key % (values.length || 1), 1) : [];
          if (victim !== undefined) tree.remove(victim);
          else {
            const value = { key };
            values.push(value);
            tree.insert(value, order(value));
          }
          const sorted = values.map((one) => one.key).toSorted((a, b) => a - b);
          expect([...tree.values()].map((one) => one.key)).toEqual(sorted);
          expect(tree.size).toBe(values.length);
          expect(depth(tree.root)).toBeLessThanOrEqual(2 * Math.log2(values.length + 1));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has the shape of the textbook after insertions, and after a removal of each kind', () => {
    const { tree, values } = treeOf([10, 20, 30, 40, 50]);
    expect(shape(tree.root)).toEqual([[[], 10, []], 20, [[[], 30, []], 40, [[], 50, []]]]);
    tree.remove(values[1]!);
    expect(shape(tree.root)).toEqual([[[], 10, []], 30, [[], 40, [[], 50, []]]]);
    tree.remove(values[0]!);
    expect(shape(tree.root)).toEqual([[[], 30, []], 40, [[], 50, []]]);
  });

  it('puts a value in the place of another, and walks from any node on', () => {
    const { tree, values } = treeOf([1, 2, 3]);
    const other = { key: 2 };
    tree.replace(values[1]!, other);
    expect(tree.root?.value).toBe(other);
    expect([...tree.values(tree.root)].map(({ key }) => key)).toEqual([2, 3]);
    tree.replace(values[1]!, { key: 9 });
    tree.remove(values[1]!);
    expect(tree.size).toBe(3);
  });
});
