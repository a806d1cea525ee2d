import type { Address, Offset, Size } from '../../address/index.ts';
import type { MtreeType } from './region-type.ts';

/** The text that QEMU prints for a region that wraps around 2^64 (memory fact 8.4). */
export const OVERFLOW_MARKER = '[DETECTED OVERFLOW!] ';

/**
 * The offset of the last byte of a region of `size` bytes. For 0 bytes it is 0 too, as in QEMU's text
 * (memory fact 8.4).
 */
export const lastByte = (size: Size): bigint => (size === 0n ? 0n : size - 1n);

/** The target of an alias, as its line prints it. */
export interface MtreeAlias {
  /** The name of the target; several regions may have this name. */
  readonly target: string;
  /** Where in the target the alias begins. */
  readonly start: Offset;
  /** The last byte in the target; below `start` if the sum wraps at 2^64. */
  readonly end: bigint;
}

/** A region as a line of `info mtree` describes it. */
export interface MtreeRegion {
  /** Relative to the root of the tree, as all addresses in the text. */
  readonly start: Address;
  /** The last address. It equals `start` for a region of one byte and for an empty one. */
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
   * Set if the text has no line for this region, only for regions below: QEMU omits disabled regions but
   * not their subregions (memory fact 8.5). Name, type and end are invented; `start` is the lowest and
   * `priority` the highest possible value.
   */
  readonly hidden?: true;
  /** The text that `-o` prints between the braces of `owner:`. */
  readonly owner?: string;
  /** The text that `-o` prints between the braces of `parent:`. */
  readonly parent?: string;
  /** In the order of the text: by ascending address, then by descending priority (memory fact 8.6). */
  readonly children: readonly MtreeRegion[];
}

/** The tree under one or more `address-space:` headings. */
export interface MtreeAddressSpace {
  /** Several if the text groups spaces by their root (QEMU 7.0 and later, memory fact 8.8). */
  readonly names: readonly string[];
  readonly root: MtreeRegion;
}

/** The tree under a `memory-region:` heading: the target of some alias (memory fact 8.7). */
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
  /** The name of the space's root region. */
  readonly root: string;
  /** The name of the root's target, if the root is an alias. */
  readonly alias?: string;
}

/** A flat range as a line of `info mtree -f` describes it. */
export interface FlatRangeText {
  readonly start: Address;
  /** The last address. */
  readonly end: bigint;
  /** The priority of the region itself, not that of an alias that shows the region. */
  readonly priority: number;
  readonly type: MtreeType;
  readonly nonvolatile: boolean;
  readonly name: string;
  /** Where in the region the range begins. */
  readonly offset: Offset;
  /** The accelerator's word, once for each address space in which the accelerator has a slot for the range. */
  readonly accelerators: readonly string[];
  /** The text that `-o` prints between the braces of `owner:`. */
  readonly owner?: string;
  /** The text that `-o` prints between the braces of `parent:`. */
  readonly parent?: string;
}

/** One view of `info mtree -f`. */
export interface FlatViewText {
  readonly number: number;
  readonly spaces: readonly FlatViewSpace[];
  /** The name of the effective root (memory fact 2.8); absent for the empty view. */
  readonly root?: string;
  readonly ranges: readonly FlatRangeText[];
}
