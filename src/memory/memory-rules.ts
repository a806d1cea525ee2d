import { settleClaims, type Claim } from './claim.ts';
import { canMerge, flatRangesEqual, type FlatRange } from './flat-range.ts';

/** What the memory core may do otherwise: rendering, comparing views, telling listeners. */
export interface MemoryRules {
  /**
   * The flat ranges that the wishes of all regions come to (render_memory_region, memory fact 2.3).
   *
   * @param claims in rendering order; the earlier one wins.
   * @param mergeable the rule of the same name.
   */
  settle(claims: readonly Claim[], mergeable: MemoryRules['mergeable']): readonly FlatRange[];
  /** Whether two neighbours become one range (can_merge, memory fact 2.6). */
  mergeable(left: FlatRange, right: FlatRange): boolean;
  /**
   * Whether a listener need not hear that one range took the other's place (flatrange_equal,
   * memory fact 2.7).
   */
  sameRange(before: FlatRange, after: FlatRange): boolean;
  /** Which pass over a changed view comes first (address_space_set_flatview, memory fact 3.3). */
  readonly passes: 'removals-first' | 'additions-first';
  /**
   * What a listener hears when it is registered (listener_add_address_space, memory fact 3.5): the whole
   * view between begin and commit, the view without them, or nothing.
   */
  readonly registration: 'complete' | 'without-commit' | 'silent';
}

/** What QEMU does. */
export const QEMU_MEMORY: MemoryRules = {
  settle: (claims, mergeable) => settleClaims([...claims], mergeable),
  mergeable: canMerge,
  sameRange: flatRangesEqual,
  passes: 'removals-first',
  registration: 'complete',
};
