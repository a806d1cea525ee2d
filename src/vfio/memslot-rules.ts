import type { Offset, Size } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { MemoryRegionSection } from '../memory/index.ts';
import type { PageSizes } from './listener-rules.ts';
import type { Span } from './trim.ts';

/** The guest-physical addresses of a memslot, and what backs them. */
export interface MemslotSpan extends Span {
  /** Offset of the backing in the section's region. When left out: that of the bytes at address `start`. */
  readonly offset?: Offset;
}

/** How the KVM listener makes memslots (vfio facts 9.1 to 9.5). */
export interface MemslotRules {
  /**
   * The part of a section that gets a slot, or `undefined` (kvm_align_section, vfio fact 9.2). The listener
   * asks when the section is added and again when it is removed.
   */
  span(
    section: MemoryRegionSection,
    pages: Omit<PageSizes, 'iommu'>,
    change: 'add' | 'remove',
  ): MemslotSpan | undefined;
  /**
   * The number of a new slot.
   *
   * @param unused a number that no live slot has.
   */
  slotNumber(section: MemoryRegionSection, unused: number): number;
  /** Whether a guest may access the section without an exit, so that it gets a slot (vfio fact 9.1). */
  isDirect(section: MemoryRegionSection, readonlySlots: boolean): boolean;
  /** Whether the guest may only read the slot (vfio fact 9.3). */
  isReadonly(section: MemoryRegionSection, readonlySlots: boolean): boolean;
  /**
   * Whether KVM logs the pages of a section that the guest writes (kvm_mem_flags, vfio fact 9.7).
   *
   * @param logging whether dirty pages are logged at this moment.
   * @param change whether the slot is new, or exists while logging begins or ends.
   */
  logsDirtyPages(section: MemoryRegionSection, logging: boolean, change: 'new-slot' | 'new-flags'): boolean;
  /** Whether the listener deletes a slot and makes it again to change its dirty log (vfio fact 9.7). */
  deletesForFlags(slot: Memslot): boolean;
  /** Whether the listener fetches the dirty log of a slot before the listener deletes the slot (vfio fact 9.7). */
  readonly fetchesDirtyLog: boolean;
  /** The largest slot, in bytes: a larger section gets several; 0 for no limit. */
  readonly largestSlot: Size;
  /** How many slots the VMM uses at most; a section beyond gets none. 0 for no limit of its own. */
  readonly slotLimit: number;
  /** Which number a new slot gets: the one freed last, or one that was never used. */
  readonly reuse: 'last-freed' | 'never';
  /** What a refusal of KVM leads to (vfio fact 9.4). */
  readonly refusal: 'fatal' | 'ignored';
  /** Whether the listener deletes the slot of a removed section. */
  readonly deletes: boolean;
  /** Whether slots change in each callback, or at commit with all deletions first (vfio fact 9.5). */
  readonly update: 'immediately' | 'at-commit';
}
