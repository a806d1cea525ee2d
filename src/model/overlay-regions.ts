import { offset, type Size } from '../address/index.ts';
import { RAM_ALIGNMENT, RAM_BLOCKS, type Machine, type Reserve } from '../machine/index.ts';
import { MemoryRegion, type AddressSpace, type MemoryTopology, type RegionOptions } from '../memory/index.ts';
import type { Operation, OverlayKind } from '../scenario/index.ts';

/** How far from its own address `shifted-ram` shows RAM, in bytes: a page of every host. */
const SHIFT: Size = 0x1_0000n;

/** The kinds that show RAM again, and what each adds to the attributes of RAM. */
const ALIASES = {
  'readonly-ram': { readonly: true },
  'nonvolatile-ram': { nonvolatile: true },
  'unmergeable-ram': { unmergeable: true },
  'shifted-ram': {},
} as const satisfies Partial<Record<OverlayKind, RegionOptions>>;
type AliasKind = keyof typeof ALIASES;
const isAlias = (kind: OverlayKind): kind is AliasKind => Object.hasOwn(ALIASES, kind);

/** The regions that a scenario puts on top of system memory: `add-region`, `remove-region`. */
export class OverlayRegions {
  readonly #topology: MemoryTopology;
  readonly #system: MemoryRegion;
  readonly #memory: AddressSpace;
  readonly #reserve: Reserve;
  readonly #byName = new Map<string, MemoryRegion>();

  /**
   * @param machine whose system memory the overlays are added to.
   * @param reserve gives RAM and ROM their host addresses.
   */
  constructor(
    topology: MemoryTopology,
    { system, memory }: Pick<Machine, 'system' | 'memory'>,
    reserve: Reserve,
  ) {
    this.#topology = topology;
    this.#system = system;
    this.#memory = memory;
    this.#reserve = reserve;
  }

  add({ name, kind, size, address, priority }: Extract<Operation, { op: 'add-region' }>): void {
    const region = this.#make(name, kind, address, size);
    this.#byName.set(name, region);
    this.#topology.addSubregion(this.#system, region, offset(address), priority);
  }

  /** Lets a ROM device show its registers, or its contents. */
  show({ op, name }: Extract<Operation, { op: 'show-registers' | 'show-contents' }>): void {
    this.#topology.setRomdMode(this.#byName.get(name)!, op === 'show-contents');
  }

  #make(name: string, kind: OverlayKind, address: bigint, size: Size): MemoryRegion {
    if (kind === 'io') return MemoryRegion.io(name, size);
    if (isAlias(kind)) return this.#showAgain(name, kind, address, size);
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

  /** Shows the guest's RAM at `address` again, or its beginning where the guest has no RAM there. */
  #showAgain(name: string, kind: AliasKind, address: bigint, size: Size): MemoryRegion {
    const ram = this.#memory.view.ranges.filter(({ region }) => RAM_BLOCKS.has(region.name));
    const shown = ram.find(({ start, end }) => start <= address && address < end);
    const block = (shown ?? ram[0])!.region;
    const at = shown === undefined ? 0n : shown.offset + (address - shown.start);
    const from = kind === 'shifted-ram' && at + SHIFT < block.size ? at + SHIFT : at;
    return MemoryRegion.alias(name, block, offset(from), size, ALIASES[kind]);
  }

  /** @param name of a region that was added; `checkScenario` makes sure of that. */
  remove(name: string): void {
    this.#topology.removeSubregion(this.#byName.get(name)!);
    this.#byName.delete(name);
  }
}
