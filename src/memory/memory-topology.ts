import type { Offset, Range, Size } from '../address/index.ts';
import { AddressSpace, effectiveRoot } from './address-space.ts';
import { FlatView, type FlatViewUpdate } from './flat-view.ts';
import type { MemoryListener } from './memory-listener.ts';
import type { AliasTarget, MemoryRegion } from './memory-region.ts';
import { callForward, updateTopology } from './topology-update.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A stretch of a region, in offsets from its start, whose rendering may have changed. */
interface Dirty extends Range {
  readonly region: MemoryRegion;
}

/**
 * The memory of one machine: it makes every change to the region trees, and at the end of the
 * outermost transaction brings views and listeners up to date (memory_region_transaction_begin and
 * _commit, fact 3.1). What is global state in QEMU lives in one object of this class.
 */
export class MemoryTopology {
  readonly #spaces: AddressSpace[] = [];
  readonly #listeners: MemoryListener[] = [];
  #depth = 0;
  #pending = false;
  #dirty: Dirty[] = [];

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
    change();
    this.commit();
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.#depth > 0;
  }

  /**
   * Puts `region` into `container`. Among siblings of the same priority the one added last is on
   * top (memory_region_add_subregion_overlap, facts 1.4 and 1.5).
   *
   * @param address where in the container it begins.
   * @param priority an integer; negative ones lie below the default 0.
   * @throws Error when the region is in a container already.
   */
  addSubregion(container: MemoryRegion, region: MemoryRegion, address: Offset, priority = 0): void {
    if (region.container !== undefined)
      throw new Error(`${region.name} is already part of ${region.container.name}`);
    this.#change(container.enabled && region.enabled, () => {
      const added = region as Mutable<MemoryRegion>;
      added.container = container;
      added.address = address;
      added.priority = priority;
      const siblings = container.subregions as MemoryRegion[];
      const before = siblings.findIndex((sibling) => priority >= sibling.priority);
      siblings.splice(before === -1 ? siblings.length : before, 0, region);
      this.#touch(region);
    });
  }

  /**
   * Takes `region` out of its container (memory_region_del_subregion).
   *
   * @throws Error when it is in none.
   */
  removeSubregion(region: MemoryRegion): void {
    const { container } = region;
    if (container === undefined) throw new Error(`${region.name} is in no container`);
    this.#change(container.enabled && region.enabled, () => {
      this.#dirty.push({ region: container, start: region.address, end: region.address + region.size });
      const siblings = container.subregions as MemoryRegion[];
      siblings.splice(siblings.indexOf(region), 1);
      (region as Mutable<MemoryRegion>).container = undefined;
    });
  }

  /** Moves `region` in its container, to the front of its priority (memory_region_set_address, fact 1.6). */
  setAddress(region: MemoryRegion, address: Offset): void {
    if (region.address === address) return;
    const { container, priority } = region;
    if (container === undefined) {
      (region as Mutable<MemoryRegion>).address = address;
      return;
    }
    this.transaction(() => {
      this.removeSubregion(region);
      this.addSubregion(container, region, address, priority);
    });
  }

  /** Shows or hides `region` and what is below it (memory_region_set_enabled). */
  setEnabled(region: MemoryRegion, enabled: boolean): void {
    if (region.enabled === enabled) return;
    this.#change(true, () => {
      (region as Mutable<MemoryRegion>).enabled = enabled;
      this.#touch(region);
    });
  }

  /** Changes the size of `region` (memory_region_set_size). */
  setSize(region: MemoryRegion, size: Size): void {
    if (region.size === size) return;
    this.#change(true, () => {
      // A region that shrinks uncovers what lay under its old end.
      this.#touch(region);
      (region as Mutable<MemoryRegion>).size = size;
      this.#touch(region);
    });
  }

  /** Makes `region` read-only or writable (memory_region_set_readonly). */
  setReadonly(region: MemoryRegion, readonly: boolean): void {
    if (region.readonly === readonly) return;
    this.#change(region.enabled, () => {
      (region as Mutable<MemoryRegion>).readonly = readonly;
      this.#touch(region);
    });
  }

  /** Switches a ROM device between contents and registers (memory_region_rom_device_set_romd). */
  setRomdMode(region: MemoryRegion, romdMode: boolean): void {
    if (region.romdMode === romdMode) return;
    this.#change(region.enabled, () => {
      (region as Mutable<MemoryRegion>).romdMode = romdMode;
      this.#touch(region);
    });
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
    this.#change(region.enabled, () => {
      (alias as Mutable<AliasTarget>).offset = aliasOffset;
      this.#touch(region);
    });
  }

  /** Makes an address space with `root`; spaces are updated in the order of their making. */
  createAddressSpace(name: string, root: MemoryRegion): AddressSpace {
    const space = new AddressSpace(name, root);
    const target = effectiveRoot(root);
    const sharer = this.#spaces.find((other) => other.view.root === target);
    setView(space, sharer?.view ?? (target === undefined ? FlatView.empty : FlatView.render(target)));
    this.#spaces.push(space);
    return space;
  }

  /** The address spaces, in the order of their making. */
  get addressSpaces(): readonly AddressSpace[] {
    return this.#spaces;
  }

  /** Adds a listener to `space` and replays the current view to it (memory_listener_register, fact 3.5). */
  registerListener(listener: MemoryListener, space: AddressSpace): void {
    insertByPriority(this.#listeners, listener);
    insertByPriority(space.listeners as MemoryListener[], listener);
    listener.begin?.();
    for (const range of space.view.ranges) listener.regionAdd?.(range);
    listener.commit?.();
  }

  /** Removes a listener after taking back everything it was told (memory_listener_unregister). */
  unregisterListener(listener: MemoryListener, space: AddressSpace): void {
    listener.begin?.();
    for (const range of space.view.ranges) listener.regionDel?.(range);
    listener.commit?.();
    for (const list of [this.#listeners, space.listeners as MemoryListener[]]) {
      const index = list.indexOf(listener);
      if (index !== -1) list.splice(index, 1);
    }
  }

  /** Every mutator is a transaction; only some of them ask for an update at its end (fact 1.7). */
  #change(pending: boolean, mutate: () => void): void {
    this.begin();
    mutate();
    if (pending) this.#pending = true;
    this.commit();
  }

  /** Notes that whatever shows `region` at the end of the transaction may look different. */
  #touch(region: MemoryRegion): void {
    this.#dirty.push({ region, start: 0n, end: region.size });
  }

  #publish(): void {
    this.#pending = false;
    const updates = this.#updateViews();
    callForward(this.#listeners, (listener) => listener.begin?.());
    for (const space of this.#spaces) {
      const before = space.view;
      const root = effectiveRoot(space.root);
      if (root === undefined) {
        setView(space, FlatView.empty);
        updateTopology(space, before, FlatView.empty, [wholeChange(before, FlatView.empty)]);
        continue;
      }
      const update = updates.get(root) ?? { view: FlatView.render(root), changes: [] };
      updates.set(root, update);
      setView(space, update.view);
      const changes = before.root === root ? update.changes : [wholeChange(before, update.view)];
      updateTopology(space, before, update.view, changes);
    }
    callForward(this.#listeners, (listener) => listener.commit?.());
  }

  /** The views that exist, brought up to date, by their root. */
  #updateViews(): Map<MemoryRegion, FlatViewUpdate> {
    const views = new Map<MemoryRegion, FlatView>();
    for (const { view } of this.#spaces) if (view.root !== undefined) views.set(view.root, view);
    const windows = new Map<MemoryRegion, Range[]>();
    for (const root of views.keys()) windows.set(root, []);
    for (const { region, start, end } of this.#dirty) spread(region, start, end, windows);
    this.#dirty = [];
    const updates = new Map<MemoryRegion, FlatViewUpdate>();
    for (const [root, view] of views) updates.set(root, view.rerender(windows.get(root)!));
    return updates;
  }
}

/**
 * Carries a dirty stretch of `region` up to every root that shows it, through containers and
 * aliases. Where the structure itself changed in the meantime, that change left a stretch of its own.
 */
function spread(
  region: MemoryRegion,
  start: bigint,
  end: bigint,
  windows: ReadonlyMap<MemoryRegion, Range[]>,
): void {
  const from = start > 0n ? start : 0n;
  const { container, address } = region;
  windows.get(region)?.push({ start: from + address, end: end + address });
  if (container !== undefined) spread(container, from + address, end + address, windows);
  for (const alias of region.aliasedBy) {
    const shift = alias.alias!.offset;
    if (end > shift && from < shift + alias.size) spread(alias, from - shift, end - shift, windows);
  }
}

const wholeChange = (before: FlatView, after: FlatView) => ({
  oldFrom: 0,
  oldTo: before.ranges.length,
  newFrom: 0,
  newTo: after.ranges.length,
});

function setView(space: AddressSpace, view: FlatView): void {
  (space as Mutable<AddressSpace>).view = view;
}

function insertByPriority(list: MemoryListener[], listener: MemoryListener): void {
  const after = list.findIndex((other) => other.priority > listener.priority);
  list.splice(after === -1 ? list.length : after, 0, listener);
}
