/** A value in a tree, with its place. */
export interface TreeNode<Value> {
  readonly value: Value;
  readonly left: TreeNode<Value> | undefined;
  readonly right: TreeNode<Value> | undefined;
  /** The colour of the place, which decides how later insertions and removals turn the tree. */
  readonly isRed: boolean;
}

class Node<Value> implements TreeNode<Value> {
  value: Value;
  parent: Node<Value> | undefined;
  left: Node<Value> | undefined = undefined;
  right: Node<Value> | undefined = undefined;
  isRed = true;

  constructor(value: Value, parent: Node<Value> | undefined) {
    this.value = value;
    this.parent = parent;
  }
}

type Side = 'left' | 'right';

const opposite = (side: Side): Side => (side === 'left' ? 'right' : 'left');
const isBlack = (node: Node<unknown> | undefined): boolean => node === undefined || !node.isRed;

/**
 * A red-black tree with the shape that Linux lib/rbtree.c gives it after the same insertions and removals. The
 * caller decides at each node which way to go. So the shape shows where the caller's comparison is no order: Linux
 * before 6.18 compares the ends of mappings, and the end 2^64 is 0 (host fact D2).
 */
export class RedBlackTree<Value> {
  readonly #nodes = new Map<Value, Node<Value>>();
  #root: Node<Value> | undefined;

  /** The number of values. */
  get size(): number {
    return this.#nodes.size;
  }

  /** The node where every search begins; `undefined` for an empty tree. */
  get root(): TreeNode<Value> | undefined {
    return this.#root;
  }

  /** Adds a value as a leaf. @param side on which side of a value that is in the tree the new one belongs */
  insert(value: Value, side: (existing: Value) => Side): void {
    let parent: Node<Value> | undefined;
    // Set together with `parent`.
    let place!: Side;
    for (let node = this.#root; node !== undefined; node = node[place]) {
      parent = node;
      place = side(node.value);
    }
    const node = new Node(value, parent);
    if (parent === undefined) this.#root = node;
    else parent[place] = node;
    this.#nodes.set(value, node);
    this.#balanceInserted(node);
  }

  /** Puts another value in the place of one that is in the tree. */
  replace(value: Value, other: Value): void {
    const node = this.#nodes.get(value);
    if (node === undefined) return;
    this.#nodes.delete(value);
    this.#move(other, node);
  }

  /** Removes a value. Nothing happens if the tree does not have it. */
  remove(value: Value): void {
    const node = this.#nodes.get(value);
    if (node === undefined) return;
    this.#nodes.delete(value);
    const successor = this.#leftmost(node.right);
    if (successor === undefined) this.#removeNode(node);
    else {
      // The successor takes the place of the node, and its own place becomes free.
      this.#move(successor.value, node);
      this.#removeNode(successor);
    }
  }

  /** The values from left to right. @param from the node to begin with; the leftmost by default */
  *values(from?: TreeNode<Value>): Generator<Value> {
    let node = (from as Node<Value> | undefined) ?? this.#leftmost(this.#root);
    while (node !== undefined) {
      yield node.value;
      node = this.#next(node);
    }
  }

  #leftmost(top: Node<Value> | undefined): Node<Value> | undefined {
    let node = top;
    while (node?.left !== undefined) node = node.left;
    return node;
  }

  #next(node: Node<Value>): Node<Value> | undefined {
    if (node.right !== undefined) return this.#leftmost(node.right);
    let child = node;
    while (child.parent !== undefined && child.parent.right === child) child = child.parent;
    return child.parent;
  }

  #move(value: Value, node: Node<Value>): void {
    node.value = value;
    this.#nodes.set(value, node);
  }

  /** Removes a node that has at most one child. */
  #removeNode(node: Node<Value>): void {
    const child = node.left ?? node.right;
    const { parent } = node;
    if (child !== undefined) child.parent = parent;
    const side: Side = parent?.right === node ? 'right' : 'left';
    if (parent === undefined) this.#root = child;
    else parent[side] = child;
    if (node.isRed) return;
    if (child !== undefined) child.isRed = false;
    else if (parent !== undefined) this.#balanceRemoved(parent, side);
  }

  #balanceInserted(inserted: Node<Value>): void {
    let node = inserted;
    while (node.parent?.isRed) {
      let { parent } = node;
      // A red node is not the root, so it has a parent.
      const grandparent = parent.parent!;
      const side: Side = grandparent.left === parent ? 'left' : 'right';
      const uncle = grandparent[opposite(side)];
      if (!isBlack(uncle)) {
        parent.isRed = false;
        uncle!.isRed = false;
        grandparent.isRed = true;
        node = grandparent;
        continue;
      }
      if (parent[opposite(side)] === node) {
        this.#rotate(parent, side);
        parent = node;
      }
      parent.isRed = false;
      grandparent.isRed = true;
      this.#rotate(grandparent, opposite(side));
      break;
    }
    this.#root!.isRed = false;
  }

  /** Balances the tree after the paths through one side of `top` have lost a black node. */
  #balanceRemoved(top: Node<Value>, lighter: Side): void {
    let parent = top;
    let side = lighter;
    for (;;) {
      const other = opposite(side);
      let sibling = parent[other]!;
      if (sibling.isRed) {
        sibling.isRed = false;
        parent.isRed = true;
        this.#rotate(parent, side);
        sibling = parent[other]!;
      }
      if (isBlack(sibling.left) && isBlack(sibling.right)) {
        sibling.isRed = true;
        if (parent.isRed || parent.parent === undefined) {
          parent.isRed = false;
          return;
        }
        side = parent.parent.left === parent ? 'left' : 'right';
        parent = parent.parent;
        continue;
      }
      if (isBlack(sibling[other])) {
        // Both colours are set below.
        this.#rotate(sibling, other);
        sibling = parent[other]!;
      }
      sibling.isRed = parent.isRed;
      parent.isRed = false;
      sibling[other]!.isRed = false;
      this.#rotate(parent, side);
      return;
    }
  }

  /** Moves `node` down to `side`; its child on the other side takes its place. */
  #rotate(node: Node<Value>, side: Side): void {
    const other = opposite(side);
    const child = node[other]!;
    const { parent } = node;
    node[other] = child[side];
    if (node[other] !== undefined) node[other].parent = node;
    child[side] = node;
    node.parent = child;
    child.parent = parent;
    if (parent === undefined) this.#root = child;
    else parent[parent.left === node ? 'left' : 'right'] = child;
  }
}
