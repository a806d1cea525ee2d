import { greater, lesser, type Range } from '../address/index.ts';
import type { MemoryRegionSection } from '../memory/index.ts';
import type { ListenerRules } from './listener-rules.ts';
import type { Span } from './trim.ts';

/** The last address below 4 GiB. */
const LAST_OF_32_BITS = 0xffff_ffffn;

/**
 * The three ranges of QEMU: one below 4 GiB, one above, and one for the BARs above 4 GiB, which firmware may put at the end
 * of the address space (vfio_dirty_tracking_update_range, vfio fact 6.15).
 */
export const threeRanges: ListenerRules['dirtyRange'] = ({ region }, { start, size }) => {
  if (region.owner !== undefined && start >= LAST_OF_32_BITS) return 'device memory above 4 GiB';
  return start + size - 1n <= LAST_OF_32_BITS ? 'below 4 GiB' : 'above 4 GiB';
};

/** The ranges of addresses in which devices log what they write, made of the pieces of sections that may be mapped. */
export class DirtyRanges {
  readonly #rule: ListenerRules['dirtyRange'];
  readonly #ranges = new Map<string, Range>();

  constructor(rule: ListenerRules['dirtyRange']) {
    this.#rule = rule;
  }

  /** Extends the range to which the piece belongs. */
  add(section: MemoryRegionSection, piece: Span): void {
    const name = this.#rule(section, piece);
    if (name === undefined) return;
    const { start } = piece;
    const end = start + piece.size;
    const range = this.#ranges.get(name) ?? { start, end };
    this.#ranges.set(name, {
      start: lesser(start, range.start),
      end: greater(end, range.end),
    });
  }

  /** The ranges by rising start. */
  get all(): readonly Range[] {
    return [...this.#ranges.values()].toSorted((a, b) => Number(a.start - b.start));
  }
}
