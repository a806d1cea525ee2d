import { low64, totalSize, type Iova, type Size } from '../address/index.ts';
import { Errno } from './errno.ts';
import type { DmaMapping } from './iommu-container.ts';
import { MappingTable } from './mapping-table.ts';
import { RedBlackTree, type TreeNode } from './red-black-tree.ts';

/** What an unmap of a range concerns: the mappings that it removes, or the error with which the kernel refuses it. */
export type UnmapPlan = readonly DmaMapping[] | Exclude<Errno, 0>;

/** The mappings of a type1 container, and how a release of Linux finds them. */
export interface Type1Mappings {
  /** The number of mappings. */
  readonly size: number;
  /** A mapping that the kernel finds in `[iova, iova + size)` (vfio_find_dma). `size` is at least 1. */
  find(iova: Iova, size: Size): DmaMapping | undefined;
  /**
   * What an unmap of a range concerns (host facts U10, U11 and R1.5.3).
   *
   * @param version of the container: 1 or 2.
   */
  toUnmap(iova: Iova, size: Size, version: 1 | 2): UnmapPlan;
  /** The mappings that an unmap of all concerns. */
  all(): readonly DmaMapping[];
  /** Adds a mapping, in whose range `find` finds none. */
  insert(mapping: DmaMapping): void;
  /** A map that fails at the memory: the kernel has inserted the mapping and removes it, which may balance a tree. */
  insertInVain(mapping: DmaMapping): void;
  /** Removes mappings as `toUnmap` or `all` returned them. @returns the sum of their sizes in bytes */
  remove(mappings: readonly DmaMapping[]): Size;
  /** Puts a mapping of the same range in the place of another. */
  replace(mapping: DmaMapping, other: DmaMapping): void;
  /** The mappings by rising IOVA: a constant array, the same one until a mapping changes. */
  snapshot(): readonly DmaMapping[];
}

/** The mappings of Linux 6.18 and later, which finds every mapping. */
export class OrderedMappings implements Type1Mappings {
  readonly #table = new MappingTable();

  get size(): number {
    return this.#table.size;
  }

  find(iova: Iova, size: Size): DmaMapping | undefined {
    return this.#table.firstOverlapping(iova, size);
  }

  toUnmap(iova: Iova, size: Size, version: 1 | 2): UnmapPlan {
    const mappings = this.#table.overlapping(iova, size);
    const lowest = mappings.at(0);
    const highest = mappings.at(-1);
    const cutAtStart = lowest !== undefined && lowest.iova < iova;
    const cutAtEnd = highest !== undefined && highest.iova + highest.size > iova + size;
    if (version === 1) return cutAtStart ? [] : mappings;
    // host facts U10 and U11
    return cutAtStart || cutAtEnd ? Errno.EINVAL : mappings;
  }

  all(): readonly DmaMapping[] {
    return this.#table.snapshot();
  }

  insert(mapping: DmaMapping): void {
    this.#table.insert(mapping);
  }

  /** Does nothing: what a table finds does not depend on what was once in it. */
  insertInVain(): void {}

  remove(mappings: readonly DmaMapping[]): Size {
    return this.#table.remove(mappings);
  }

  replace(mapping: DmaMapping, other: DmaMapping): void {
    this.#table.remove([mapping]);
    this.#table.insert(other);
  }

  snapshot(): readonly DmaMapping[] {
    return this.#table.snapshot();
  }
}

/** The end of a range in the 64 bits of the kernel: 0 for a range that ends at 2^64 (host fact D2). */
const endOf = ({ iova, size }: { readonly iova: bigint; readonly size: bigint }): bigint =>
  low64(iova + size);

/**
 * The mappings of Linux before 6.18. The kernel compares ends in 64 bits, where 2^64 is 0. So a search goes past a
 * mapping up to 2^64 and past what lies on the wrong side of it, and a range up to 2^64 holds nothing. What a search
 * finds then depends on the shape of the kernel's tree (host fact D2). Linux vfio_iommu_type1.c:vfio_find_dma,
 * vfio_find_dma_first_node and vfio_link_dma.
 */
export class SearchedMappings implements Type1Mappings {
  readonly #tree = new RedBlackTree<DmaMapping>();
  #snapshot: readonly DmaMapping[] | undefined;

  get size(): number {
    return this.#tree.size;
  }

  /** As vfio_find_dma does. With size 0 the kernel looks for the mapping that holds `iova` behind its first byte. */
  find(iova: bigint, size: Size): DmaMapping | undefined {
    let node = this.#tree.root;
    while (node !== undefined) {
      const { value } = node;
      if (endOf({ iova, size }) <= value.iova) node = node.left;
      else if (iova >= endOf(value)) node = node.right;
      else return value;
    }
    return undefined;
  }

  toUnmap(iova: Iova, size: Size, version: 1 | 2): UnmapPlan {
    const end = endOf({ iova, size });
    if (version === 2) {
      const first = this.find(iova, 1n);
      if (first !== undefined && first.iova !== iova) return Errno.EINVAL;
      const last = this.find(low64(iova + size - 1n), 0n);
      if (last !== undefined && endOf(last) !== end) return Errno.EINVAL;
    }
    return this.#from(iova, end);
  }

  all(): readonly DmaMapping[] {
    return this.#from(0n, low64(-1n));
  }

  insert(mapping: DmaMapping): void {
    // The tree tells values apart by their identity.
    this.#insert({ ...mapping });
  }

  insertInVain(mapping: DmaMapping): void {
    const own = { ...mapping };
    this.#insert(own);
    this.#tree.remove(own);
  }

  remove(mappings: readonly DmaMapping[]): Size {
    this.#snapshot = undefined;
    for (const mapping of mappings) this.#tree.remove(mapping);
    return totalSize(mappings);
  }

  replace(mapping: DmaMapping, other: DmaMapping): void {
    this.#snapshot = undefined;
    this.#tree.replace(mapping, other);
  }

  snapshot(): readonly DmaMapping[] {
    this.#snapshot ??= [...this.#tree.values()];
    return this.#snapshot;
  }

  /** The kernel links a mapping before it sets the size, so only the starts are compared, and the tree is in their order. */
  #insert(mapping: DmaMapping): void {
    this.#snapshot = undefined;
    this.#tree.insert(mapping, ({ iova }) => (mapping.iova <= iova ? 'left' : 'right'));
  }

  /**
   * The mappings from the first that ends behind `start` up to `end`. There are none if the first begins before `start`,
   * which version 2 has refused by then (host facts U10 and R1.5.3).
   */
  #from(start: bigint, end: bigint): DmaMapping[] {
    const first = this.#firstEndingBehind(start);
    if (first === undefined) return [];
    const found: DmaMapping[] = [];
    for (const mapping of this.#tree.values(first)) {
      if (mapping.iova < start || mapping.iova >= end) break;
      found.push(mapping);
    }
    return found;
  }

  #firstEndingBehind(start: bigint): TreeNode<DmaMapping> | undefined {
    let found: TreeNode<DmaMapping> | undefined;
    let node = this.#tree.root;
    while (node !== undefined) {
      if (start >= endOf(node.value)) node = node.right;
      else {
        found = node;
        if (start >= node.value.iova) break;
        node = node.left;
      }
    }
    return found;
  }
}
