import type { Address, Offset, Range } from '../address/index.ts';
import type { MemoryRegion } from './memory-region.ts';

/** The attributes that a range has if any region on the path from the root to its region has them (memory fact 2.5). */
export interface RangeAttributes {
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
}

/**
 * Consecutive addresses that one region answers (QEMU's `FlatRange`, memory fact 2.1).
 *
 * A listener gets the same object as its `MemoryRegionSection`. Attributes that can change later, such
 * as the priority and the ROM-device mode, are those at the time of rendering.
 */
export class FlatRange implements Range<Address>, RangeAttributes {
  readonly start: Address;
  readonly end: bigint;
  readonly region: MemoryRegion;
  /** Where in `region` the range begins. */
  readonly offset: Offset;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  readonly romdMode: boolean;
  /** The region's own priority, which `info mtree -f` prints. */
  readonly priority: number;
  /** Whether the region lies in a container: `info mtree` of QEMU 11 prints another type if not (memory fact 8.3). */
  readonly contained: boolean;

  /**
   * @param end one past the last address; at most 2^64.
   * @param offset where in `region` the range begins.
   */
  constructor(
    start: Address,
    end: bigint,
    region: MemoryRegion,
    offset: Offset,
    { readonly, nonvolatile, unmergeable }: RangeAttributes,
  ) {
    this.start = start;
    this.end = end;
    this.region = region;
    this.offset = offset;
    this.readonly = readonly;
    this.nonvolatile = nonvolatile;
    this.unmergeable = unmergeable;
    this.romdMode = region.romdMode;
    this.priority = region.priority;
    this.contained = region.container !== undefined;
  }

  /** In bytes, at most 2^64. */
  get size(): bigint {
    return this.end - this.start;
  }

  /** The same range, but ending at `end`. */
  endingAt(end: bigint): FlatRange {
    return new FlatRange(this.start, end, this.region, this.offset, this);
  }
}

/** What the callbacks of a memory listener are given: QEMU's name for a flat range there (memory fact 3.6). */
export type MemoryRegionSection = FlatRange;

const sameAttributes = (a: FlatRange, b: FlatRange): boolean =>
  a.region === b.region &&
  a.romdMode === b.romdMode &&
  a.readonly === b.readonly &&
  a.nonvolatile === b.nonvolatile;

/** Whether `right` continues `left`, so that QEMU makes one range of the two (can_merge, memory fact 2.6). */
export const canMerge = (left: FlatRange, right: FlatRange): boolean =>
  left.end === right.start &&
  sameAttributes(left, right) &&
  !left.unmergeable &&
  !right.unmergeable &&
  left.offset + (left.end - left.start) === right.offset;

/** Whether the two ranges are the same to QEMU, which then notifies of no change (flatrange_equal, memory fact 2.7). */
export const flatRangesEqual = (a: FlatRange, b: FlatRange): boolean =>
  a === b ||
  (a.start === b.start &&
    a.end === b.end &&
    a.offset === b.offset &&
    sameAttributes(a, b) &&
    a.unmergeable === b.unmergeable);

/** Whether the two ranges also print alike in `info mtree -f`, so that the text cannot distinguish them. */
export const isSameRange = (a: FlatRange, b: FlatRange): boolean =>
  flatRangesEqual(a, b) && a.priority === b.priority && a.contained === b.contained;
