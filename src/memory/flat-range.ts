import type { Address, Offset, Range } from '../address/index.ts';
import type { MemoryRegion } from './memory-region.ts';

/**
 * A run of addresses that one region answers (QEMU's `FlatRange`, memory fact 2.1).
 *
 * The same object is what listeners are handed as a `MemoryRegionSection`. Attributes that can
 * change later (priority, ROM-device mode) are those at the time of rendering.
 */
export class FlatRange implements Range<Address> {
  readonly start: Address;
  readonly end: bigint;
  readonly region: MemoryRegion;
  /** Where in `region` the range begins. */
  readonly offset: Offset;
  /** Read-only because the region is, or any region on the way to it. */
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  readonly romdMode: boolean;
  /** The region's own priority: what `info mtree -f` prints. */
  readonly priority: number;
  /** Whether the region is in a container; newer versions print one that is not differently. */
  readonly contained: boolean;

  constructor(
    start: Address,
    end: bigint,
    region: MemoryRegion,
    offset: Offset,
    readonly: boolean,
    nonvolatile: boolean,
    unmergeable: boolean,
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

  /** In bytes; 2^64 at most. */
  get size(): bigint {
    return this.end - this.start;
  }

  /** The same range, ending at `end` instead. */
  endingAt(end: bigint): FlatRange {
    return new FlatRange(
      this.start,
      end,
      this.region,
      this.offset,
      this.readonly,
      this.nonvolatile,
      this.unmergeable,
    );
  }
}

/** What a memory listener is told about: QEMU's name for the flat range of a callback (memory fact 3.6). */
export type MemoryRegionSection = FlatRange;

const sameAttributes = (a: FlatRange, b: FlatRange): boolean =>
  a.region === b.region &&
  a.romdMode === b.romdMode &&
  a.readonly === b.readonly &&
  a.nonvolatile === b.nonvolatile;

/** Whether `right` continues `left` so that the two are one range (can_merge, memory fact 2.6). */
export const canMerge = (left: FlatRange, right: FlatRange): boolean =>
  left.end === right.start &&
  sameAttributes(left, right) &&
  !left.unmergeable &&
  !right.unmergeable &&
  left.offset + left.size === right.offset;

/** Whether a listener sees no difference between the two ranges (flatrange_equal, memory fact 2.7). */
export const flatRangesEqual = (a: FlatRange, b: FlatRange): boolean =>
  a === b ||
  (a.start === b.start &&
    a.end === b.end &&
    a.offset === b.offset &&
    sameAttributes(a, b) &&
    a.unmergeable === b.unmergeable);
