import type { MemoryRegionSection } from './flat-range.ts';

/**
 * Hears of the changes of one address space (QEMU's `MemoryListener`, memory facts 3.1 to 3.5).
 *
 * Within one commit every `regionDel` comes before the first `regionAdd`, both by rising address.
 */
export interface MemoryListener {
  readonly name: string;
  /** Lower values hear of additions first and of removals last. VFIO is 0, KVM is 10. */
  readonly priority: number;
  begin?(): void;
  regionAdd?(section: MemoryRegionSection): void;
  /** A range that stays as it is; called only where some listener of the address space asks for it. */
  regionNop?(section: MemoryRegionSection): void;
  regionDel?(section: MemoryRegionSection): void;
  commit?(): void;
}
