import type { MemoryRegionSection } from './flat-range.ts';

/**
 * Receives the changes of one address space (QEMU's `MemoryListener`, memory facts 3.1 to 3.5).
 *
 * In one commit QEMU calls `regionDel` for all removed ranges before `regionAdd` for the first new one,
 * each in ascending order of addresses.
 */
export interface MemoryListener {
  /** For people who debug; the memory core does not read it. */
  readonly name: string;
  /** Listeners with a lower value get additions first and removals last. VFIO has 0, KVM has 10. */
  readonly priority: number;
  /** An update begins. */
  begin?(): void;
  /** The range is new. */
  regionAdd?(section: MemoryRegionSection): void;
  /** The range is the same as before the update. */
  regionNop?(section: MemoryRegionSection): void;
  /** The range is removed. */
  regionDel?(section: MemoryRegionSection): void;
  /** A migration begins: the listener is told before it hears of ranges that are logged (memory fact 3.7). */
  logGlobalStart?(): void;
  /** The pages that are written in the range are logged from now on (memory fact 3.7). */
  logStart?(section: MemoryRegionSection): void;
  /** The pages that are written in the range are not logged any more. */
  logStop?(section: MemoryRegionSection): void;
  /** The update ends: every address space shows its new view. */
  commit?(): void;
}
