import type { Address, Offset, Size } from '../../address/index.ts';
import type { MtreeType } from './region-type.ts';

/** What QEMU puts before a region that wraps around the end of the address space (memory fact 8.4). */
export const OVERFLOW_MARKER = '[DETECTED OVERFLOW!] ';

/**
 * The offset of the last byte of something of `size` bytes; 0 for nothing too, as QEMU prints it
 * (memory fact 8.4).
 */
export const lastByte = (size: Size): bigint => (size === 0n ? 0n : size - 1n);

/** The part of another region that an alias is printed with. */
export interface MtreeAlias {
  /** The name of the region it shows; several regions may have it. */
  readonly target: string;
  readonly start: Offset;
  /** Inclusive; below `start` where the sum passes 2^64. */
  readonly end: bigint;
}

/** A region as a line of `info mtree` tells of it. */
export interface MtreeRegion {
  /** Counted from the root of the tree, as all addresses in the text. */
  readonly start: Address;
  /** Inclusive. Equal to `start` both for one byte and for none at all. */
  readonly end: bigint;
  readonly priority: number;
  readonly type: MtreeType;
  readonly nonvolatile: boolean;
  readonly name: string;
  readonly alias?: MtreeAlias;
  readonly disabled: boolean;
  /** Whether QEMU marked the region with `[DETECTED OVERFLOW!]`. */
  readonly overflow: boolean;
  /**
   * There is no line for this region, only for what lies below it: QEMU leaves out disabled regions
   * but not their subregions (memory fact 8.5). Name and type are made up, `start` is the lowest and
   * `priority` the highest it can have.
   */
  readonly hidden?: true;
  /** What `-o` prints between the braces of `owner:`. */
  readonly owner?: string;
  /** What `-o` prints between the braces of `parent:`. */
  readonly parent?: string;
  /** In the order of the text: by address, then by falling priority (memory fact 8.6). */
  readonly children: readonly MtreeRegion[];
}

/** The tree under one or more `address-space:` headings. */
export interface MtreeAddressSpace {
  /** More than one where the text groups the spaces by their root (QEMU 7.0 and later, memory fact 8.8). */
  readonly names: readonly string[];
  readonly root: MtreeRegion;
}

/** The tree under a `memory-region:` heading: a region that some alias shows (memory fact 8.7). */
export interface MtreeSection {
  readonly name: string;
  readonly root: MtreeRegion;
}

/** The whole of `info mtree`. */
export interface MtreeText {
  readonly addressSpaces: readonly MtreeAddressSpace[];
  readonly sections: readonly MtreeSection[];
}

/** One line of an address space in `info mtree -f`. */
export interface FlatViewSpace {
  readonly name: string;
  /** The name of its root. */
  readonly root: string;
  /** The name of what the root shows, where the root is an alias. */
  readonly alias?: string;
}

/** A range as a line of `info mtree -f` tells of it. */
export interface FlatRangeText {
  readonly start: Address;
  /** Inclusive. */
  readonly end: bigint;
  /** The priority of the region itself, not of an alias that shows it. */
  readonly priority: number;
  readonly type: MtreeType;
  readonly nonvolatile: boolean;
  readonly name: string;
  /** Where in the region the range begins. */
  readonly offset: Offset;
  /** The accelerator's word, once for every address space in which it has a slot. */
  readonly accelerators: readonly string[];
  /** What `-o` prints between the braces of `owner:`. */
  readonly owner?: string;
  /** What `-o` prints between the braces of `parent:`. */
  readonly parent?: string;
}

/** One view of `info mtree -f`. */
export interface FlatViewText {
  readonly number: number;
  readonly spaces: readonly FlatViewSpace[];
  /** The name of the effective root (memory fact 2.8); nothing for the empty view. */
  readonly root?: string;
  readonly ranges: readonly FlatRangeText[];
}
