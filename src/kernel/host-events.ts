import { offset, type HostAddress, type Size } from '../address/index.ts';
import type { Backing } from '../host/index.ts';
import type { TraceRange } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';

/** Memory that only the memory map names. */
export const UNKNOWN: Backing = { region: '(not in the memory map)', owner: undefined, offset: offset(0n) };

/** A mapping or a memory slot. */
interface UnnamedMapping {
  readonly backing: Backing;
  readonly hostAddress: HostAddress;
  /** The address in the guest or on the bus. */
  readonly iova: bigint;
  readonly size: Size;
}

/** Addresses in QEMU, and the memory there. */
interface NamedMemory {
  readonly start: bigint;
  readonly end: bigint;
  readonly backing: Backing;
}

/** What QEMU has asked of the kernel, in order. */
export class HostEvents {
  #events: VmmEvent[] = [];
  readonly #named: NamedMemory[] = [];
  readonly #unknownRequests: string[] = [];

  add(event: VmmEvent): void {
    this.#events.push(event);
  }

  /** Notes a request that barproof does not know. */
  addUnknown(text: string): void {
    if (!this.#unknownRequests.includes(text)) this.#unknownRequests.push(text);
  }

  /** The requests that barproof did not know, each once, oldest first. */
  get unknownRequests(): readonly string[] {
    return this.#unknownRequests;
  }

  /**
   * The events since the last call. The memory maps name the memory that was not known by its address.
   *
   * @param dma the flat view for DMA.
   * @param memory the flat view of system memory.
   */
  take(dma: readonly TraceRange[], memory: readonly TraceRange[]): readonly VmmEvent[] {
    const events = this.#events;
    this.#events = [];
    return events.map((event): VmmEvent => {
      if (event.type === 'dma-map' && event.hostAddress !== undefined) {
        const { hostAddress } = event;
        return { ...event, backing: this.name({ ...event, hostAddress }, dma) };
      }
      if (event.type === 'memslot') {
        const { slot } = event;
        return { ...event, slot: { ...slot, backing: this.name({ ...slot, iova: slot.gpa }, memory) } };
      }
      return event;
    });
  }

  /**
   * The memory behind a mapping. Memory that is neither guest RAM nor a BAR gets its name from the memory map, the
   * first time that QEMU uses its address.
   */
  name({ backing, hostAddress, iova, size }: UnnamedMapping, view: readonly TraceRange[]): Backing {
    if (backing.region !== UNKNOWN.region) return backing;
    const known = this.#named.find(({ start, end }) => start <= hostAddress && hostAddress + size <= end);
    if (known !== undefined) {
      return { ...known.backing, offset: offset(known.backing.offset + (hostAddress - known.start)) };
    }
    const shown = view.find(
      ({ start, end, region }) => region.kind !== 'ram-device' && start <= iova && iova + size <= end,
    );
    if (shown === undefined) return UNKNOWN;
    const { region, start } = shown;
    const named = { region: region.name, owner: region.owner, offset: offset(shown.offset + (iova - start)) };
    this.#named.push({ start: hostAddress, end: hostAddress + size, backing: named });
    return named;
  }
}
