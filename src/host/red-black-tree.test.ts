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

/**
 * The shape as text: `2b(1r 3r)` is a black node with two red ones below it, `2b( 3r)` one that has only a right child.
 */
const shape = (node: TreeNode<Value> | undefined): string => {
  if (node === undefined) return '';
  const [left, right] = [shape(node.left), shape(node.right)];
  const children = left === '' && right === '' ? '' : `(${left} ${right})`;
  return `${node.value.key}${node.isRed ? 'r' : 'b'}${children}`;
};

/** The black nodes on each way down. @throws if two ways differ, or a red node has a red child */
const blackHeight = (node: TreeNode<Value> | undefined): number => {
  if (node === undefined) return 0;
  const [left, right] = [blackHeight(node.left), blackHeight(node.right)];
  expect(left, `the black nodes on both sides of ${node.value.key}`).toBe(right);
  const isRedAboveRed = node.isRed && (node.left?.isRed || node.right?.isRed);
  expect(isRedAboveRed, `red children of the red ${node.value.key}`).toBeFalsy();
  return left + (node.isRed ? 0 : 1);
};

const treeOf = (keys: readonly number[]): { tree: RedBlackTree<Value>; values: Value[] } => {
  const tree = new RedBlackTree<Value>();
  const values = keys.map((key) => ({ key }));
  for (const value of values) tree.insert(value, order(value));
  return { tree, values };
};

describe('RedBlackTree', () => {
  it('holds the values in order and keeps the conditions of its colours, after any insertions and removals', () => {
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
          expect(tree.root?.isRed ?? false).toBe(false);
          blackHeight(tree.root);
        }
      }),
      { numRuns: 200 },
    );
  });

  // The shapes of `std::multiset` of libstdc++ 12, which is another tree by the textbook (Cormen et al., Introduction to
  // Algorithms, chapter 13; the first one is its exercises 13.3-2 and 13.4-3), after the same steps.
  it.each([
    {
      inserted: [41, 38, 31, 12, 19, 8],
      before: '38b(19r(12b(8r ) 31b) 41b)',
      removed: [
        [8, '38b(19r(12b 31b) 41b)'],
        [12, '38b(19b( 31r) 41b)'],
        [19, '38b(31b 41b)'],
        [31, '38b( 41r)'],
        [38, '41b'],
        [41, ''],
      ],
    },
    {
      inserted: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
      before: '4b(2b(1b 3b) 8r(6b(5b 7b) 12b(10r(9b 11b) 14r(13b 15b( 16r)))))',
      removed: [
        [8, '4b(2b(1b 3b) 9r(6b(5b 7b) 12b(10b( 11r) 14r(13b 15b( 16r)))))'],
        [4, '5b(2b(1b 3b) 12r(9b(6b( 7r) 10b( 11r)) 14b(13b 15b( 16r))))'],
        [1, '12b(5b(2b( 3r) 9r(6b( 7r) 10b( 11r))) 14b(13b 15b( 16r)))'],
        [12, '13b(5b(2b( 3r) 9r(6b( 7r) 10b( 11r))) 15b(14b 16b))'],
        [2, '13b(5b(3b 9r(6b( 7r) 10b( 11r))) 15b(14b 16b))'],
        [16, '9b(5b(3b 6b( 7r)) 13b(10b( 11r) 15b(14r )))'],
      ],
    },
    {
      inserted: [16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
      before: '13b(9r(5b(3r(2b(1r ) 4b) 7r(6b 8b)) 11b(10b 12b)) 15b(14b 16b))',
      removed: [
        [1, '13b(9r(5b(3r(2b 4b) 7r(6b 8b)) 11b(10b 12b)) 15b(14b 16b))'],
        [3, '13b(9r(5b(4b(2r ) 7r(6b 8b)) 11b(10b 12b)) 15b(14b 16b))'],
        [16, '9b(5b(4b(2r ) 7r(6b 8b)) 13b(11r(10b 12b) 15b(14r )))'],
        [9, '10b(5b(4b(2r ) 7r(6b 8b)) 13b(11b( 12r) 15b(14r )))'],
        [12, '10b(5b(4b(2r ) 7r(6b 8b)) 13b(11b 15b(14r )))'],
        [2, '10b(5b(4b 7r(6b 8b)) 13b(11b 15b(14r )))'],
        [4, '10b(7b(5b( 6r) 8b) 13b(11b 15b(14r )))'],
      ],
    },
    {
      inserted: [50, 20, 80, 10, 30, 70, 90, 25, 35, 5, 15, 65, 75, 85, 95, 27],
      before: '50b(20b(10b(5r 15r) 30r(25b( 27r) 35b)) 80b(70b(65r 75r) 90b(85r 95r)))',
      removed: [
        [50, '65b(20b(10b(5r 15r) 30r(25b( 27r) 35b)) 80b(70b( 75r) 90b(85r 95r)))'],
        [5, '65b(20b(10b( 15r) 30r(25b( 27r) 35b)) 80b(70b( 75r) 90b(85r 95r)))'],
        [10, '65b(20b(15b 30r(25b( 27r) 35b)) 80b(70b( 75r) 90b(85r 95r)))'],
        [15, '65b(30b(25r(20b 27b) 35b) 80b(70b( 75r) 90b(85r 95r)))'],
        [95, '65b(30b(25r(20b 27b) 35b) 80b(70b( 75r) 90b(85r )))'],
        [90, '65b(30b(25r(20b 27b) 35b) 80b(70b( 75r) 85b))'],
        [30, '65b(25b(20b 35b(27r )) 80b(70b( 75r) 85b))'],
        [20, '65b(27b(25b 35b) 80b(70b( 75r) 85b))'],
        [27, '65b(35b(25r ) 80r(70b( 75r) 85b))'],
        [85, '65b(35b(25r ) 75r(70b 80b))'],
      ],
    },
  ] as const)('has the shape of the textbook after inserting $inserted', ({ inserted, before, removed }) => {
    const { tree, values } = treeOf(inserted);
    expect(shape(tree.root)).toBe(before);
    for (const [key, after] of removed) {
      tree.remove(values.find((value) => value.key === key)!);
      expect(shape(tree.root), `after the removal of ${key}`).toBe(after);
    }
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
