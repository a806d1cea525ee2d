import type { Range } from '../address/index.ts';

/** Why listeners are told to discard RAM of virtio-mem: blocks are unplugged, all are by a reset, or the section leaves. */
export type DiscardReason = 'unplug' | 'unplug-all' | 'unregister';

/** A section of RAM of virtio-mem: its addresses, and the offset in its region. */
export interface DiscardSection extends Range {
  readonly offset: bigint;
}

/** How a virtio-mem tells listeners of its blocks (memory fact 1.10). */
export interface DiscardRules {
  /** Whether virtio-mem tells its listeners that it discards RAM (virtio_mem_notify_unplug). */
  notifiesDiscard(why: DiscardReason): boolean;
  /**
   * The plugged parts of a region that a new listener of a section is told of: all (virtio_mem_for_each_plugged_section).
   *
   * @param plugged offsets in the region.
   */
  replayed(plugged: readonly Range[], section: DiscardSection): readonly Range[];
  /**
   * What a listener's refusal of plugged blocks leads to: the guest's request fails, or the blocks are plugged all the
   * same (virtio_mem_notify_plug).
   */
  readonly plugRefusal: 'refused' | 'ignored';
  /** Whether a reset of the machine unplugs all blocks (virtio_mem_system_reset_hold). */
  readonly resetUnplugs: boolean;
}
