import { overlaps, type Range } from '../address/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { rangeFrom } from './describe.ts';

/**
 * Where faults of the host (`host.faults`) have refused to map or to unmap, by container. A mapping that the host keeps
 * there, or does not have, is not the VMM's doing.
 */
export class FaultyRanges {
  readonly #kept = new Map<string, Range[]>();
  readonly #refused = new Map<string, Range[]>();

  /** The faults in all of the events. */
  static in(events: readonly VmmEvent[]): FaultyRanges {
    const faulty = new FaultyRanges();
    for (const event of events) faulty.note(event);
    return faulty;
  }

  note(event: VmmEvent): void {
    if ((event.type !== 'dma-map' && event.type !== 'dma-unmap') || event.injected !== true) return;
    const byContainer = event.type === 'dma-map' ? this.#refused : this.#kept;
    const ranges = byContainer.get(event.container) ?? [];
    byContainer.set(event.container, ranges);
    ranges.push(rangeFrom(event.iova, event.size));
  }

  /** Whether the host has refused to unmap some of the range. */
  keeps(container: string, range: Range): boolean {
    return this.#kept.get(container)?.some((kept) => overlaps(kept, range)) === true;
  }

  /** Whether the host has refused to map anything. */
  refusesAny(container: string): boolean {
    return this.#refused.has(container);
  }

  /** Whether the host has refused to map some of the range. */
  refuses(container: string, range: Range): boolean {
    return this.#refused.get(container)?.some((refused) => overlaps(refused, range)) === true;
  }
}
