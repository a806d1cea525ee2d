import { offset, type Size } from '../address/index.ts';
import { RAM_ALIGNMENT, RAM_BLOCKS, type Machine, type Reserve } from '../machine/index.ts';
import {
  MemoryRegion,
  QEMU_MEMORY,
  RamDiscardManager,
  type AddressSpace,
  type MemoryRules,
  type MemoryTopology,
  type RegionOptions,
} from '../memory/index.ts';
import { BLOCK_SIZE, isAliasKind, type AliasKind, type Operation } from '../scenario/index.ts';
import type { PluggedMemory } from '../trace/index.ts';

/** How far from its own address `shifted-ram` shows RAM, in bytes: a page of every host. */
const SHIFT: Size = 0x1_0000n;

/** The kinds that show RAM again, and what each adds to the attributes of RAM. */
const ALIASES = {
  'readonly-ram': { readonly: true },
  'nonvolatile-ram': { nonvolatile: true },
  'unmergeable-ram': { unmergeable: true },
  'shifted-ram': {},
} as const satisfies Record<AliasKind, RegionOptions>;
type AddRegion = Extract<Operation, { op: 'add-region' }>;

/** The regions that a scenario puts on top of system memory: `add-region`, `remove-region`. */
export class OverlayRegions {
  readonly #topology: MemoryTopology;
  readonly #system: MemoryRegion;
  readonly #memory: AddressSpace;
  readonly #reserve: Reserve;
  readonly #rules: MemoryRules;
  readonly #byName = new Map<string, MemoryRegion>();

  /**
   * @param machine whose system memory the overlays are added to.
   * @param reserve gives RAM and ROM their host addresses.
   * @param rules decide how virtio-mem tells of its blocks.
   */
  constructor(
    topology: MemoryTopology,
    { system, memory }: Pick<Machine, 'system' | 'memory'>,
    reserve: Reserve,
    rules: MemoryRules = QEMU_MEMORY,
  ) {
    this.#topology = topology;
    this.#system = system;
    this.#memory = memory;
    this.#reserve = reserve;
    this.#rules = rules;
  }

  add(operation: AddRegion): void {
    const { name, address, priority } = operation;
    const region = this.#make(operation);
    this.#byName.set(name, region);
    this.#topology.addSubregion(this.#system, region, offset(address), priority);
  }

  /** Lets a ROM device show its registers, or its contents. */
  show({ op, name }: Extract<Operation, { op: 'show-registers' | 'show-contents' }>): void {
    this.#topology.setRomdMode(this.#byName.get(name)!, op === 'show-contents');
  }

  /** Makes a region read-only or writable. */
  protect({ op, name }: Extract<Operation, { op: 'make-readonly' | 'make-writable' }>): void {
    this.#topology.setReadonly(this.#byName.get(name)!, op === 'make-readonly');
  }

  /** Lets an alias show another part of RAM, if the RAM reaches that far. */
  shift({ name, by }: Extract<Operation, { op: 'shift-alias' }>): void {
    const region = this.#byName.get(name)!;
    const { region: ram, offset: from } = region.alias!;
    if (from + by + region.size <= ram.size) this.#topology.setAliasOffset(region, offset(from + by));
  }

  #make({ name, kind, address, size, blockSize }: AddRegion): MemoryRegion {
    if (kind === 'io') return MemoryRegion.io(name, size);
    if (isAliasKind(kind)) return this.#showAgain(name, kind, address, size);
    const backing = { hostAddress: this.#reserve(size, RAM_ALIGNMENT) };
    switch (kind) {
      case 'rom-device':
        return MemoryRegion.romDevice(name, size, backing);
      case 'protected-ram':
        return MemoryRegion.ram(name, size, { ...backing, isProtected: true });
      case 'virtio-mem': {
        const discards = new RamDiscardManager(blockSize ?? BLOCK_SIZE, this.#rules);
        return MemoryRegion.ram(name, size, { ...backing, discards });
      }
      case 'ram':
      case 'rom':
        return MemoryRegion[kind](name, size, backing);
    }
  }

  /** Plugs or unplugs blocks of a virtio-mem. */
  changeBlocks({
    op,
    name,
    offset: start,
    size,
  }: Extract<Operation, { op: 'plug-blocks' | 'unplug-blocks' }>): void {
    const { discards } = this.#byName.get(name)!;
    const part = { start, end: start + size };
    if (op === 'plug-blocks') discards!.plug(part);
    else discards!.unplug(part);
  }

  /** The machine is reset: virtio-mem unplugs all blocks. */
  reset(): void {
    if (!this.#rules.resetUnplugs) return;
    for (const { discards } of this.#byName.values()) discards?.unplugAll();
  }

  /** What is plugged of each virtio-mem, by its name: the same map until that changes; `undefined` without a virtio-mem. */
  get plugged(): PluggedMemory | undefined {
    const known = this.#plugged;
    const now = [...this.#byName].flatMap(([name, { discards }]) =>
      discards === undefined ? [] : [[name, discards.plugged] as const],
    );
    if (now.length === (known?.size ?? 0) && now.every(([name, ranges]) => known!.get(name) === ranges))
      return known;
    this.#plugged = now.length === 0 ? undefined : new Map(now);
    return this.#plugged;
  }

  #plugged: PluggedMemory | undefined;

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
