import type { Offset, Size } from '../address/index.ts';
import { AddressSpace, effectiveRoot } from './address-space.ts';
import { DirtyLogging } from './dirty-logging.ts';
import { FlatView, wholeChange } from './flat-view.ts';
import { ListenerRegistry } from './listener-registry.ts';
import type { MemoryListener } from './memory-listener.ts';
import type { AliasTarget, MemoryRegion } from './memory-region.ts';
import { QEMU_MEMORY, type MemoryRules, type RegionChange } from './memory-rules.ts';
import { SharedViews } from './shared-views.ts';
import { deleteSubregion, insertSubregion, resizeSubregion, type PlacedRegion } from './subregions.ts';
import { updateTopology } from './topology-update.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The memory of one machine. A topology makes every change to the region trees. At the end of the outermost transaction it
 * updates the views and notifies the listeners (memory_region_transaction_begin and _commit, memory fact 3.1).
 */
export class MemoryTopology {
  readonly #spaces: AddressSpace[] = [];
  readonly #listeners = new ListenerRegistry();
  readonly #views: SharedViews;
  readonly #rules: MemoryRules;
  /** The roots of the address spaces. */
  readonly #roots = new Set<MemoryRegion>();
  /** The spaces that no update has reached yet. */
  #created: AddressSpace[] = [];
  /** Whether a region changed that an address space may show. A region in no address space changes no view. */
  #viewsMayChange = false;
  readonly dirtyLogging: DirtyLogging;
  /** How many transactions are open. */
  #depth = 0;
  /** Whether the end of the outermost transaction updates the views (memory fact 1.7). */
  #updatePending = false;

  constructor(rules: MemoryRules = QEMU_MEMORY) {
    this.#rules = rules;
    this.#views = new SharedViews(rules);
    this.dirtyLogging = new DirtyLogging(this.#spaces, this.#listeners, rules);
  }

  /** Opens a transaction. Transactions nest. */
  begin(): void {
    this.#depth++;
  }

  /**
   * Closes a transaction. At the end of the outermost one the views follow the changes.
   *
   * @throws Error if no transaction is open.
   */
  commit(): void {
    if (this.#depth === 0) throw new Error('commit without a transaction');
    this.#depth--;
    const isTime = this.#depth === 0 || this.#rules.commits === 'every';
    if (isTime && this.#updatePending) this.#updateSpaces();
  }

  /** Runs `change` inside a transaction, and closes the transaction even if `change` throws. */
  transaction(change: () => void): void {
    this.begin();
    try {
      change();
    } finally {
      this.commit();
    }
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.#depth > 0;
  }

  /**
   * Adds `region` to `container`. Among siblings of the same priority the region added last is on top
   * (memory_region_add_subregion_overlap, memory facts 1.4 and 1.5).
   *
   * @param address where in the container the region begins.
   * @param priority an integer; a negative one lies below the default 0.
   * @throws Error if the region is in a container already.
   */
  addSubregion(container: MemoryRegion, region: MemoryRegion, address: Offset, priority = 0): void {
    requireLoose(region);
    this.begin();
    this.#contain(container, { region, address, priority });
    insertSubregion(container, region);
    this.#changed(region, 'add', container.enabled && region.enabled);
    this.commit();
  }

  /**
   * Adds many regions to `container` in one transaction, as `addSubregion` does from the last to the first.
   *
   * @param placed of the same priority, the first one comes to lie on top.
   * @throws Error if a region is in a container already.
   */
  addSubregions(container: MemoryRegion, placed: readonly PlacedRegion[]): void {
    const regions = placed.map(({ region }) => region);
    if (regions.length === 0) return;
    regions.forEach(requireLoose);
    this.begin();
    for (const each of placed.toReversed()) {
      this.#contain(container, each);
      insertSubregion(container, each.region);
    }
    for (const region of regions) this.#changed(region, 'add', container.enabled && region.enabled);
    this.commit();
  }

  #contain(container: MemoryRegion, { region, address, priority }: PlacedRegion): void {
    const added = region as Mutable<MemoryRegion>;
    added.container = container;
    this.#place(region, address);
    added.priority = priority;
  }

  /**
   * Removes `region` from its container (memory_region_del_subregion).
   *
   * @throws Error if the region is in no container.
   */
  removeSubregion(region: MemoryRegion): void {
    const { container, address, end } = region;
    if (container === undefined) throw new Error(`${region.name} is in no container`);
    this.begin();
    this.#mark(container, address, end);
    deleteSubregion(container, region);
    (region as Mutable<MemoryRegion>).container = undefined;
    this.#changed(region, 'remove', container.enabled && region.enabled);
    this.commit();
  }

  /**
   * Moves `region` in its container, where it comes to lie on top of siblings with the same priority
   * (memory_region_set_address, memory fact 1.6).
   */
  setAddress(region: MemoryRegion, address: Offset): void {
    if (region.address === address) return;
    const { container, priority } = region;
    if (container === undefined) {
      this.#place(region, address);
      return;
    }
    this.begin();
    this.removeSubregion(region);
    this.addSubregion(container, region, address, priority);
    this.commit();
  }

  /** Enables or disables `region`; what lies below a disabled region is not rendered (memory_region_set_enabled). */
  setEnabled(region: MemoryRegion, enabled: boolean): void {
    if (region.enabled === enabled) return;
    this.begin();
    (region as Mutable<MemoryRegion>).enabled = enabled;
    this.#changed(region, 'enable', true);
    this.commit();
  }

  /** Changes the size of `region` to 0 to 2^64 bytes (memory_region_set_size). */
  setSize(region: MemoryRegion, size: Size): void {
    if (region.size === size) return;
    this.begin();
    // The bytes between the new and the old end of a region that shrinks are marked now, while they are in it.
    this.#mark(region, 0n, region.size);
    resizeSubregion(region, size);
    this.#changed(region, 'size', true);
    this.commit();
  }

  /** Makes `region` read-only or writable (memory_region_set_readonly). */
  setReadonly(region: MemoryRegion, readonly: boolean): void {
    if (region.readonly === readonly) return;
    this.begin();
    (region as Mutable<MemoryRegion>).readonly = readonly;
    this.#changed(region, 'readonly', region.enabled);
    this.commit();
  }

  /** Lets a ROM device show its contents, or its registers if `romdMode` is false (memory_region_rom_device_set_romd). */
  setRomdMode(region: MemoryRegion, romdMode: boolean): void {
    if (region.romdMode === romdMode) return;
    this.begin();
    (region as Mutable<MemoryRegion>).romdMode = romdMode;
    this.#changed(region, 'romd-mode', region.enabled);
    this.commit();
  }

  /**
   * Changes which part of its target an alias shows (memory_region_set_alias_offset).
   *
   * @param aliasOffset where in the target the part begins.
   * @throws Error if `region` is no alias.
   */
  setAliasOffset(region: MemoryRegion, aliasOffset: Offset): void {
    const { alias } = region;
    if (alias === undefined) throw new Error(`${region.name} is no alias`);
    if (alias.offset === aliasOffset) return;
    this.begin();
    (alias as Mutable<AliasTarget>).offset = aliasOffset;
    (alias as Mutable<AliasTarget>).end = aliasOffset + region.size;
    this.#changed(region, 'alias-offset', region.enabled);
    this.commit();
  }

  /**
   * Creates an address space with this root. Inside a transaction the space shows the empty view until
   * the outermost transaction ends.
   */
  createAddressSpace(name: string, root: MemoryRegion): AddressSpace {
    this.begin();
    const space = new AddressSpace(name, root);
    this.#spaces.push(space);
    this.#created.push(space);
    this.#roots.add(root);
    this.#updatePending = true;
    this.commit();
    return space;
  }

  /** The address spaces in the order of their creation, in which updates reach them too. */
  get addressSpaces(): readonly AddressSpace[] {
    return this.#spaces;
  }

  /** Adds a listener to `space`, and replays the present view to it (memory_listener_register, memory fact 3.5). */
  registerListener(listener: MemoryListener, space: AddressSpace): void {
    this.#listeners.register(listener, space, this.#rules.registration);
  }

  /**
   * Removes a listener from `space` (memory_listener_unregister, memory fact 3.5).
   *
   * @param notifiesRemovals whether the listener is first notified that each range is removed, as in QEMU
   *   since 2.12.
   */
  unregisterListener(listener: MemoryListener, space: AddressSpace, notifiesRemovals = true): void {
    this.#listeners.unregister(listener, space, notifiesRemovals);
  }

  #place(region: MemoryRegion, address: Offset): void {
    if (region.address !== address && this.#views.markMoved(region)) this.#viewsMayChange = true;
    (region as Mutable<MemoryRegion>).address = address;
    (region as Mutable<MemoryRegion>).end = address + region.size;
  }

  /** Marks all of `region`; `updates` is whether the change itself causes an update (memory fact 1.7). */
  #changed(region: MemoryRegion, change: RegionChange, updates: boolean): void {
    this.#mark(region, 0n, region.size);
    if (updates && this.#rules.notices(change)) this.#updatePending = true;
  }

  /** Marks [start, end) of `region`, as offsets in it, unless no address space can show the region. */
  #mark(region: MemoryRegion, start: bigint, end: bigint): void {
    this.#viewsMayChange ||= this.#mayBeShown(region);
    if (this.#viewsMayChange) this.#views.markChanged(region, start, end);
  }

  /** Whether the region or a container of it is a root or the target of an alias. */
  #mayBeShown(region: MemoryRegion): boolean {
    for (let above: MemoryRegion | undefined = region; above !== undefined; above = above.container) {
      if (above.aliasedBy.length > 0 || this.#roots.has(above)) return true;
    }
    return false;
  }

  /** QEMU updates all address spaces; here those that cannot have changed are left out (memory fact 2.9). */
  #updateSpaces(): void {
    const all = this.#viewsMayChange || this.#listeners.wantUnchanged;
    const spaces = all ? this.#spaces : this.#created;
    this.#updatePending = false;
    this.#viewsMayChange = false;
    if (this.#created.length > 0) this.#created = [];
    if (all) this.#views.update();
    this.#listeners.begin();
    let rootsChanged = false;
    for (const space of spaces) {
      if (this.#updateSpace(space)) rootsChanged = true;
    }
    if (rootsChanged) this.#views.keepOnly(this.#spaces);
    this.#listeners.commit();
  }

  /** @returns whether the effective root of the space changed. */
  #updateSpace(space: AddressSpace): boolean {
    const before = space.view;
    const root = effectiveRoot(space.root);
    const shared = root && this.#views.of(root);
    const after = shared?.view ?? FlatView.empty;
    if (before === after && !this.#listeners.wantUnchanged) return false;
    (space as Mutable<AddressSpace>).view = after;
    const changes = shared?.before === before ? shared.changes : [wholeChange(before, after)];
    for (const change of changes) space.changed.add(change);
    updateTopology(space, before, after, changes, this.#rules);
    return before.root !== root;
  }
}

function requireLoose({ name, container }: MemoryRegion): void {
  if (container !== undefined) throw new Error(`${name} is already part of ${container.name}`);
}
