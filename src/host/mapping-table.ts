import type { Iova, Size } from '../address/index.ts';
import { DisjointRanges } from './disjoint-ranges.ts';
import type { DmaMapping } from './iommu-container.ts';

/**
 * The live mappings of a container by rising IOVA, of which no two overlap: what type1 keeps in a
 * red-black tree, iommufd in an interval tree and a sPAPR window in its table. It makes none of their
 * checks.
 */
export class MappingTable {
  readonly #mappings = new DisjointRanges<DmaMapping>();

  /** How many mappings there are. */
  get size(): number {
    return this.#mappings.size;
  }

  /**
   * Adds a mapping of at least one byte.
   *
   * @throws RangeError when its addresses are not free.
   */
  insert(mapping: DmaMapping): void {
    this.#mappings.insert({ start: mapping.iova, end: mapping.iova + mapping.size }, mapping);
  }

  /**
   * Removes mappings that follow one another in the table, as `overlapping` returns them.
   *
   * @returns how many bytes they covered together.
   */
  remove(mappings: readonly DmaMapping[]): Size {
    const [first] = mappings;
    if (first !== undefined) this.#mappings.removeRun(first.iova, mappings.length);
    return mappings.reduce((bytes, { size }) => bytes + size, 0n);
  }

  /** Removes everything. Returns how many bytes were mapped. */
  clear(): Size {
    const bytes = this.snapshot().reduce((sum, mapping) => sum + mapping.size, 0n);
    this.#mappings.clear();
    return bytes;
  }

  /** The lowest mapping with an address in `[iova, iova + size)`; `size` is not 0. */
  firstOverlapping(iova: Iova, size: Size): DmaMapping | undefined {
    return this.#mappings.firstOverlapping(iova, iova + size);
  }

  /** The mappings with an address in `[iova, iova + size)`, ascending; `size` is not 0. */
  overlapping(iova: Iova, size: Size): DmaMapping[] {
    return this.#mappings.overlapping(iova, iova + size);
  }

  /** All mappings by rising IOVA: the same array until the table changes. */
  snapshot(): readonly DmaMapping[] {
    return this.#mappings.snapshot();
  }
}
