import type { Claim } from './claim.ts';
import type { DiscardRules } from './discard-rules.ts';
import { canMerge, flatRangesEqual, type FlatRange } from './flat-range.ts';
import { settleClaims } from './settle-claims.ts';

/** A change of a region. A move is a removal and an addition. */
export type RegionChange = 'add' | 'remove' | 'enable' | 'size' | 'readonly' | 'romd-mode' | 'alias-offset';

/** The decisions of the memory core that a revision or a patch can change. */
export interface MemoryRules extends DiscardRules {
  /**
   * The flat ranges that result from the claims of all regions (render_memory_region, memory fact 2.3).
   *
   * @param claims in rendering order: the earlier claim wins an address.
   * @param mergeable the rule of that name.
   */
  settle(claims: readonly Claim[], mergeable: MemoryRules['mergeable']): readonly FlatRange[];
  /** Whether two neighbours become one range (can_merge, memory fact 2.6). */
  mergeable(left: FlatRange, right: FlatRange): boolean;
  /** Whether listeners are not notified when `after` replaces `before` (flatrange_equal, memory fact 2.7). */
  sameRange(before: FlatRange, after: FlatRange): boolean;
  /**
   * Whether changes in nested transactions reach the views with the outermost commit, or with every one
   * (memory_region_transaction_commit, memory fact 1.7).
   */
  readonly commits: 'outermost' | 'every';
  /** Whether a change of a region leads to an update of the views (memory_region_update_pending, memory fact 1.7). */
  notices(change: RegionChange): boolean;
  /** Which pass over a changed view comes first (address_space_set_flatview, memory fact 3.3). */
  readonly passes: 'removals-first' | 'additions-first';
  /**
   * The notifications of a new listener (listener_add_address_space, memory fact 3.5): all ranges between `begin`
   * and `commit`, all ranges without these two, or nothing.
   */
  readonly registration: 'complete' | 'without-commit' | 'silent';
  /**
   * What listeners are told when logging of dirty pages begins or ends: the change of each range, or nothing
   * (log_start and log_stop, memory fact 3.7).
   */
  notifiesLogging(change: 'start' | 'stop'): boolean;
}

/** The rules of QEMU. */
export const QEMU_MEMORY: MemoryRules = {
  settle: (claims, mergeable) => settleClaims([...claims], mergeable),
  mergeable: canMerge,
  sameRange: flatRangesEqual,
  commits: 'outermost',
  notices: () => true,
  passes: 'removals-first',
  registration: 'complete',
  notifiesDiscard: () => true,
  replayed: (plugged) => plugged,
  plugRefusal: 'refused',
  resetUnplugs: true,
  notifiesLogging: () => true,
};
