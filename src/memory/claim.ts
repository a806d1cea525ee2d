import { END_OF_SPACE, type Address, type Range } from '../address/index.ts';
import type { RangeAttributes } from './flat-range.ts';
import type { MemoryRegion } from './memory-region.ts';

/**
 * The addresses that a terminating region would answer if no region before it did. Regions make their
 * claims in rendering order, and the earlier claim wins an address: QEMU says that a region fills the
 * gaps which earlier regions left (memory fact 2.3, steps 5 to 7).
 */
export interface Claim {
  readonly start: Address;
  readonly end: bigint;
  readonly region: MemoryRegion;
  /** The address at which offset 0 of the region would lie; behind some aliases it is negative. */
  readonly base: bigint;
  readonly attributes: RangeAttributes;
  /** Position in rendering order: the claim with the lower rank wins. */
  readonly rank: number;
}

const NO_ATTRIBUTES: RangeAttributes = { readonly: false, nonvolatile: false, unmergeable: false };

/**
 * The claims of `root` and of all regions below it, cut to `window`, in rendering order
 * (render_memory_region, memory fact 2.3).
 */
export function collectClaims(root: MemoryRegion, window: Range): Claim[] {
  const collector = new ClaimCollector();
  const end = window.end < END_OF_SPACE ? window.end : END_OF_SPACE;
  collector.visit(root, root.address, window.start, end, NO_ATTRIBUTES);
  return collector.claims;
}

class ClaimCollector {
  readonly claims: Claim[] = [];

  /**
   * @param base the address at which the region begins; behind some aliases it is negative.
   * @param clipStart where the part begins that the regions above leave visible.
   * @param clipEnd one past that part.
   * @param inherited the attributes of the regions above.
   */
  visit(
    region: MemoryRegion,
    base: bigint,
    clipStart: bigint,
    clipEnd: bigint,
    inherited: RangeAttributes,
  ): void {
    if (!region.enabled) return;
    // Most regions lie where their own address says, and an addition makes a new `bigint`.
    const regionEnd = base === region.address ? region.end : base + region.size;
    const start = base > clipStart ? base : clipStart;
    const end = regionEnd < clipEnd ? regionEnd : clipEnd;
    if (start >= end) return;
    const attributes = inherit(region, inherited);
    const { alias, subregionList, subregionIndex } = region;
    if (alias !== undefined) {
      this.visit(alias.region, base - alias.offset, start, end, attributes);
      return;
    }
    if (subregionIndex !== undefined) {
      for (const child of subregionIndex.overlapping(start - base, end - base))
        this.visit(child, base + child.address, start, end, attributes);
    } else if (subregionList.length > 0) {
      // The comparison in offsets of the region rules out most children without an addition.
      const from = start - base;
      const to = end - base;
      for (const child of subregionList) {
        if (child.address >= to || child.end <= from) continue;
        this.visit(child, base === 0n ? child.address : base + child.address, start, end, attributes);
      }
    }
    if (region.terminates)
      this.claims.push({ start, end, region, base, attributes, rank: this.claims.length });
  }
}

function inherit(region: MemoryRegion, inherited: RangeAttributes): RangeAttributes {
  if (!region.readonly && !region.nonvolatile && !region.unmergeable) return inherited;
  return {
    readonly: inherited.readonly || region.readonly,
    nonvolatile: inherited.nonvolatile || region.nonvolatile,
    unmergeable: inherited.unmergeable || region.unmergeable,
  };
}
