import { END_OF_SPACE, type Offset, type Range, type Size } from '../address/index.ts';
import { AddressSpace, effectiveRoot } from './address-space.ts';
import { FlatView, wholeChange, type FlatViewChange } from './flat-view.ts';
import type { MemoryListener } from './memory-listener.ts';
import type { AliasTarget, MemoryRegion } from './memory-region.ts';
import { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';
import { updateTopology } from './topology-update.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A view that address spaces share, and how the last update changed it. */
interface SharedView {
  before: FlatView;
  view: FlatView;
  changes: readonly FlatViewChange[];
  /** Where it may have changed since. */
  windows: Range[];
}

/**
 * The memory of one machine: it makes every change to the region trees, and at the end of the
 * outermost transaction brings views and listeners up to date (memory_region_transaction_begin and
 * _commit, memory fact 3.1). What is global state in QEMU lives in one object of this class.
 */
export class MemoryTopology {
  readonly #spaces: AddressSpace[] = [];
  readonly #listeners: MemoryListener[] = [];
  /** The views of all spaces but the empty ones, by their root. */
  readonly #views = new Map<MemoryRegion, SharedView>();
  #depth = 0;
  #pending = false;
  readonly #rules: MemoryRules;

  constructor(rules: MemoryRules = QEMU_MEMORY) {
    this.#rules = rules;
  }

  /** Opens a transaction; they nest. */
  begin(): void {
    this.#depth++;
  }

  /**
   * Closes a transaction. The outermost one publishes what has changed.
   *
   * @throws Error when no transaction is open.
   */
  commit(): void {
    if (this.#depth === 0) throw new Error('commit without a transaction');
    this.#depth--;
    if (this.#depth === 0 && this.#pending) this.#publish();
  }

  /** Runs `change` inside a transaction of its own. */
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
   * Puts `region` into `container`. Among siblings of the same priority the one added last is on
   * top (memory_region_add_subregion_overlap, memory facts 1.4 and 1.5).
   *
   * @param address where in the container it begins.
   * @param priority an integer; negative ones lie below the default 0.
   * @throws Error when the region is in a container already.
   */
  addSubregion(container: MemoryRegion, region: MemoryRegion, address: Offset, priority = 0): void {
    if (region.container !== undefined) {
      throw new Error(`${region.name} is already part of ${region.container.name}`);
    }
    this.begin();
    const added = region as Mutable<MemoryRegion>;
    added.container = container;
    this.#place(region, address);
    added.priority = priority;
    insertSibling(container, region);
    this.#changed(region, container.enabled && region.enabled);
    this.commit();
  }

  /**
   * Takes `region` out of its container (memory_region_del_subregion).
   *
   * @throws Error when it is in none.
   */
  removeSubregion(region: MemoryRegion): void {
    const { container, address, end } = region;
    if (container === undefined) throw new Error(`${region.name} is in no container`);
    this.begin();
    this.#touch(container, address, end);
    const siblings = container.subregions as MemoryRegion[];
    siblings.splice(siblings.indexOf(region), 1);
    (region as Mutable<MemoryRegion>).container = undefined;
    this.#changed(region, container.enabled && region.enabled);
    this.commit();
  }

  /**
   * Moves `region` in its container, to the front of its priority (memory_region_set_address,
   * memory fact 1.6).
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

  /** Shows or hides `region` and what is below it (memory_region_set_enabled). */
  setEnabled(region: MemoryRegion, enabled: boolean): void {
    if (region.enabled === enabled) return;
    this.begin();
    (region as Mutable<MemoryRegion>).enabled = enabled;
    this.#changed(region, true);
    this.commit();
  }

  /** Changes the size of `region` (memory_region_set_size). */
  setSize(region: MemoryRegion, size: Size): void {
    if (region.size === size) return;
    this.begin();
    // A region that shrinks uncovers what lay under its old end.
    this.#touch(region, 0n, region.size);
    (region as Mutable<MemoryRegion>).size = size;
    (region as Mutable<MemoryRegion>).end = region.address + size;
    this.#changed(region, true);
    this.commit();
  }

  /** Makes `region` read-only or writable (memory_region_set_readonly). */
  setReadonly(region: MemoryRegion, readonly: boolean): void {
    if (region.readonly === readonly) return;
    this.begin();
    (region as Mutable<MemoryRegion>).readonly = readonly;
    this.#changed(region, region.enabled);
    this.commit();
  }

  /** Switches a ROM device between contents and registers (memory_region_rom_device_set_romd). */
  setRomdMode(region: MemoryRegion, romdMode: boolean): void {
    if (region.romdMode === romdMode) return;
    this.begin();
    (region as Mutable<MemoryRegion>).romdMode = romdMode;
    this.#changed(region, region.enabled);
    this.commit();
  }

  /**
   * Changes which part of its target an alias shows (memory_region_set_alias_offset).
   *
   * @throws Error when `region` is no alias.
   */
  setAliasOffset(region: MemoryRegion, aliasOffset: Offset): void {
    const { alias } = region;
    if (alias === undefined) throw new Error(`${region.name} is no alias`);
    if (alias.offset === aliasOffset) return;
    this.begin();
    (alias as Mutable<AliasTarget>).offset = aliasOffset;
    this.#changed(region, region.enabled);
    this.commit();
  }

  /**
   * Makes an address space with `root`; spaces are updated in the order of their making. Inside a
   * transaction its view is there when the transaction ends.
   */
  createAddressSpace(name: string, root: MemoryRegion): AddressSpace {
    this.begin();
    const space = new AddressSpace(name, root);
    this.#spaces.push(space);
    this.#pending = true;
    this.commit();
    return space;
  }

  /** The address spaces, in the order of their making. */
  get addressSpaces(): readonly AddressSpace[] {
    return this.#spaces;
  }

  /**
   * Adds a listener to `space` and replays the current view to it (memory_listener_register,
   * memory fact 3.5).
   */
  registerListener(listener: MemoryListener, space: AddressSpace): void {
    insertByPriority(this.#listeners, listener);
    insertByPriority(space.listeners as MemoryListener[], listener);
    replay(listener, space, this.#rules.registration);
  }

  /**
   * Removes a listener (memory_listener_unregister).
   *
   * @param takeBack whether it is first told that everything it knows of goes away, as it is since
   *   2.12 (memory fact 3.5); before, it just heard nothing any more.
   */
  unregisterListener(listener: MemoryListener, space: AddressSpace, takeBack = true): void {
    if (takeBack) {
      listener.begin?.();
      for (const range of space.view.ranges) listener.regionDel?.(range);
      listener.commit?.();
    }
    for (const list of [this.#listeners, space.listeners as MemoryListener[]]) {
      const index = list.indexOf(listener);
      if (index !== -1) list.splice(index, 1);
    }
  }

  /** Gives `region` its address. A view that is rendered from it begins there: nothing of it stays where it was. */
  #place(region: MemoryRegion, address: Offset): void {
    if (region.address !== address) this.#views.get(region)?.windows.push({ start: 0n, end: END_OF_SPACE });
    (region as Mutable<MemoryRegion>).address = address;
    (region as Mutable<MemoryRegion>).end = address + region.size;
  }

  /**
   * Notes that whatever shows `region` may look different.
   *
   * @param pending whether that alone is a reason to update the views (memory fact 1.7).
   */
  #changed(region: MemoryRegion, pending: boolean): void {
    this.#touch(region, 0n, region.size);
    if (pending) this.#pending = true;
  }

  /** Notes a stretch of `region` that may look different. Before there are views nobody has looked. */
  #touch(region: MemoryRegion, start: bigint, end: bigint): void {
    if (this.#views.size > 0) spread(region, start, end, this.#views);
  }

  #publish(): void {
    this.#pending = false;
    this.#updateViews();
    for (const listener of this.#listeners) listener.begin?.();
    for (const space of this.#spaces) this.#updateSpace(space);
    this.#forgetUnused();
    for (const listener of this.#listeners) listener.commit?.();
  }

  /** Brings the views that exist up to date. */
  #updateViews(): void {
    for (const shared of this.#views.values()) {
      shared.before = shared.view;
      const update = shared.view.rerender(shared.windows, this.#rules);
      shared.view = update.view;
      shared.changes = update.changes;
      if (shared.windows.length > 0) shared.windows = [];
    }
  }

  #updateSpace(space: AddressSpace): void {
    const before = space.view;
    const root = effectiveRoot(space.root);
    const shared = root && (this.#views.get(root) ?? this.#render(root));
    const after = shared?.view ?? FlatView.empty;
    // A listener that wants to hear of what stays hears of it with every update (memory fact 2.9).
    const wantsAll = space.listeners.some((listener) => listener.regionNop !== undefined);
    if (before === after && !wantsAll) return;
    (space as Mutable<AddressSpace>).view = after;
    const changes = shared?.before === before ? shared.changes : [wholeChange(before, after)];
    updateTopology(space, before, after, changes, this.#rules);
  }

  #render(root: MemoryRegion): SharedView {
    const view = FlatView.render(root, this.#rules);
    const shared: SharedView = { before: view, view, changes: [], windows: [] };
    this.#views.set(root, shared);
    return shared;
  }

  /** Drops the views that no space shows any more: nobody would keep them up to date. */
  #forgetUnused(): void {
    for (const [root, { view }] of this.#views) {
      if (!this.#spaces.some((space) => space.view === view)) this.#views.delete(root);
    }
  }
}

/** Tells a listener everything that `space` shows, as if it had just been registered there. */
export function replay(
  listener: MemoryListener,
  space: AddressSpace,
  registration: MemoryRules['registration'] = 'complete',
): void {
  if (registration === 'silent') return;
  const complete = registration === 'complete';
  if (complete) listener.begin?.();
  for (const range of space.view.ranges) listener.regionAdd?.(range);
  if (complete) listener.commit?.();
}

/**
 * Carries a dirty stretch of `region` up to every root that shows it, through containers and aliases
 * as they are now: when they change, that change leaves a stretch of its own.
 */
function spread(
  region: MemoryRegion,
  start: bigint,
  end: bigint,
  views: ReadonlyMap<MemoryRegion, SharedView>,
): void {
  const from = start > 0n ? start : 0n;
  const { container, address, aliasedBy } = region;
  views.get(region)?.windows.push({ start: from + address, end: end + address });
  if (container !== undefined) spread(container, from + address, end + address, views);
  for (const alias of aliasedBy) {
    const shift = alias.alias!.offset;
    const stop = shift + alias.size;
    // Cut to the alias, what a region shows of itself at another place of its own comes to an end.
    if (end > shift && from < stop) spread(alias, from - shift, (end < stop ? end : stop) - shift, views);
  }
}

/**
 * Before the first sibling whose priority is not higher (memory_region_update_container_subregions,
 * memory fact 1.5).
 */
function insertSibling(container: MemoryRegion, region: MemoryRegion): void {
  const siblings = container.subregions as MemoryRegion[];
  if (siblings.length === 0) {
    // Regions without subregions share one empty array.
    (container as Mutable<MemoryRegion>).subregions = [region];
    return;
  }
  let position = 0;
  while (position < siblings.length && siblings[position]!.priority > region.priority) position++;
  if (position === 0) siblings.unshift(region);
  else siblings.splice(position, 0, region);
}

function insertByPriority(list: MemoryListener[], listener: MemoryListener): void {
  const after = list.findIndex((other) => other.priority > listener.priority);
  list.splice(after === -1 ? list.length : after, 0, listener);
}
