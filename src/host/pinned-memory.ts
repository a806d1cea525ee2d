import type { Size } from '../address/index.ts';
import type { DmaMapping, DmaMapRequest } from './iommu-container.ts';

/**
 * The memory that the mappings of a container pin, held to RLIMIT_MEMLOCK (host facts R1.4.4 and R2.2.4). The
 * mmap of a BAR is not pinned and does not count.
 */
export class PinnedMemory {
  readonly #limit: Size | undefined;
  #bytes = 0n;

  /** @param limit in bytes; `undefined` for no limit. */
  constructor(limit: Size | undefined) {
    this.#limit = limit;
  }

  hasRoomFor({ deviceMemory, size }: DmaMapRequest): boolean {
    return deviceMemory || this.#limit === undefined || this.#bytes + size <= this.#limit;
  }

  add({ deviceMemory, size }: DmaMapRequest): void {
    if (!deviceMemory) this.#bytes += size;
  }

  remove(mappings: readonly DmaMapping[]): void {
    for (const { deviceMemory, size } of mappings) if (!deviceMemory) this.#bytes -= size;
  }
}
