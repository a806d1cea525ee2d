import { totalSize, type Iova, type Size } from '../address/index.ts';
import { DisjointRanges } from './disjoint-ranges.ts';
import type { DmaMapping } from './iommu-container.ts';

/**
 * The live mappings of a container by rising IOVA; no two overlap. type1 keeps them in a red-black tree,
 * iommufd in an interval tree, sPAPR in the tables of its windows. The table makes none of the kernel's
 * checks.
 */
export class MappingTable {
  readonly #mappings = new DisjointRanges<DmaMapping>();

  /** The number of mappings. */
  get size(): number {
    return this.#mappings.size;
  }

  /**
   * Adds a mapping of at least one byte.
   *
   * @throws RangeError when the mapping overlaps a live one.
   */
  insert(mapping: DmaMapping): void {
    this.#mappings.insert({ start: mapping.iova, end: mapping.iova + mapping.size }, mapping);
  }

  /**
   * Removes mappings that are neighbours in the table, as `overlapping` returns them.
   *
   * @returns the sum of their sizes, in bytes.
   */
  remove(mappings: readonly DmaMapping[]): Size {
    const [first] = mappings;
    if (first !== undefined) this.#mappings.removeRun(first.iova, mappings.length);
    return totalSize(mappings);
  }

  /** Removes all mappings. Returns how many bytes were mapped. */
  clear(): Size {
    const bytes = totalSize(this.snapshot());
    this.#mappings.clear();
    return bytes;
  }

  /** The lowest mapping with an address in `[iova, iova + size)`; `size` is at least 1. */
  firstOverlapping(iova: Iova, size: Size): DmaMapping | undefined {
    return this.#mappings.firstOverlapping(iova, iova + size);
  }

  /** The mappings with an address in `[iova, iova + size)`, ascending; `size` is at least 1. */
  overlapping(iova: Iova, size: Size): DmaMapping[] {
    return this.#mappings.overlapping(iova, iova + size);
  }

  /** All mappings by rising IOVA: a constant array, the same one until the table changes. */
  snapshot(): readonly DmaMapping[] {
    return this.#mappings.snapshot();
  }
}
