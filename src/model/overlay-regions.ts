import { offset } from '../address/index.ts';
import { RAM_ALIGNMENT, type Reserve } from '../machine/index.ts';
import { MemoryRegion, type MemoryTopology } from '../memory/index.ts';
import type { Operation } from '../scenario/index.ts';

/** The regions that a scenario puts on top of system memory: `add-region`, `remove-region`. */
export class OverlayRegions {
  readonly #topology: MemoryTopology;
  readonly #system: MemoryRegion;
  readonly #reserve: Reserve;
  readonly #byName = new Map<string, MemoryRegion>();

  /**
   * @param system the region that the overlays are added to.
   * @param reserve gives RAM and ROM their host addresses.
   */
  constructor(topology: MemoryTopology, system: MemoryRegion, reserve: Reserve) {
    this.#topology = topology;
    this.#system = system;
    this.#reserve = reserve;
  }

  add({ name, kind, size, address, priority }: Extract<Operation, { op: 'add-region' }>): void {
    const region =
      kind === 'io'
        ? MemoryRegion.io(name, size)
        : MemoryRegion[kind](name, size, { hostAddress: this.#reserve(size, RAM_ALIGNMENT) });
    this.#byName.set(name, region);
    this.#topology.addSubregion(this.#system, region, offset(address), priority);
  }

  /** @param name of a region that was added; `checkScenario` makes sure of that. */
  remove(name: string): void {
    this.#topology.removeSubregion(this.#byName.get(name)!);
    this.#byName.delete(name);
  }
}
