import { offset, type Size } from '../address/index.ts';
import { RAM_ALIGNMENT, type Reserve } from '../machine/index.ts';
import { MemoryRegion, type MemoryTopology } from '../memory/index.ts';
import type { Operation, OverlayKind } from '../scenario/index.ts';

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
    const region = this.#make(name, kind, size);
    this.#byName.set(name, region);
    this.#topology.addSubregion(this.#system, region, offset(address), priority);
  }

  /** Lets a ROM device show its registers, or its contents. */
  show({ op, name }: Extract<Operation, { op: 'show-registers' | 'show-contents' }>): void {
    this.#topology.setRomdMode(this.#byName.get(name)!, op === 'show-contents');
  }

  #make(name: string, kind: OverlayKind, size: Size): MemoryRegion {
    if (kind === 'io') return MemoryRegion.io(name, size);
    const backing = { hostAddress: this.#reserve(size, RAM_ALIGNMENT) };
    switch (kind) {
      case 'rom-device':
        return MemoryRegion.romDevice(name, size, backing);
      case 'protected-ram':
        return MemoryRegion.ram(name, size, { ...backing, isProtected: true });
      case 'ram':
      case 'rom':
        return MemoryRegion[kind](name, size, backing);
    }
  }

  /** @param name of a region that was added; `checkScenario` makes sure of that. */
  remove(name: string): void {
    this.#topology.removeSubregion(this.#byName.get(name)!);
    this.#byName.delete(name);
  }
}
