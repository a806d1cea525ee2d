import { alignDown, alignUp, type Size } from '../address/index.ts';
import type { MemoryRegionSection } from '../memory/index.ts';
import type { SkipReason } from './event.ts';

/** A run of addresses of an address space. */
export interface Span {
  readonly start: bigint;
  readonly size: Size;
}

/**
 * The whole units in a section (kvm_align_section, vfio fact 9.2).
 *
 * @param unit in bytes, a power of two.
 * @returns `undefined` when no whole unit lies in the section.
 */
export function wholeUnits(section: MemoryRegionSection, unit: Size): Span | undefined {
  const start = alignUp(section.start, unit);
  const size = alignDown(section.end, unit) - start;
  return size > 0n ? { start, size } : undefined;
}

/**
 * The piece of a section that can be mapped for DMA: the whole units (vfio_listener_valid_section and
 * vfio_get_section_iova_range, vfio facts 6.2 and 6.3).
 *
 * @param unit in bytes, a power of two.
 * @returns the reason why there is nothing to map: address and offset in the region differ within the
 *   unit, or no whole unit is left.
 */
export function trimSection(section: MemoryRegionSection, unit: Size): Span | SkipReason {
  if (((section.start ^ section.offset) & (unit - 1n)) !== 0n) return 'incongruent';
  return wholeUnits(section, unit) ?? 'empty';
}
