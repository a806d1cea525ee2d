import { expect } from 'vitest';
import { offset } from '../../src/address/index.ts';
import {
  FlatView,
  type AddressSpace,
  type MemoryRegion,
  type MemoryTopology,
} from '../../src/memory/index.ts';
import { plant } from '../testing/region-tree.ts';
import { RecordingListener, type Notification } from './recording-listener.ts';
import type { Choice, Plan, Step } from './steps.ts';
import { effectiveRoot, expectRanges, fullText, same, text, type Ranges, type View } from './view.ts';

/** What the property tests: a topology, and a way to read the view of an address space. */
export interface Engine {
  readonly topology: MemoryTopology;
  view(space: AddressSpace): View;
}

export type Clause =
  | 'nested transaction'
  | 'several changes in one commit'
  | 'ranges are kept while others are removed and added'
  | 'additions next to removals'
  | 'a commit that changes nothing'
  | 'a change that needs no update'
  | 'spaces share a view'
  | 'spaces with different views'
  | 'the effective root changes'
  | 'the effective root appears'
  | 'the effective root disappears'
  | 'a range shown by an alias'
  | 'a region with several aliases moves'
  | 'ranges merge'
  | 'a ROM device changes mode'
  | 'a listener is registered later'
  | 'a listener is registered in a transaction'
  | 'a listener is unregistered'
  | 'a listener is notified of kept ranges'
  | 'a shrunk region moves'
  | 'a root gets another address';

/** Runs the steps, and checks every view and every listener after each step. */
export class CheckedRun {
  readonly #engine: Engine;
  readonly #clauses: Set<Clause>;
  readonly #regions: readonly MemoryRegion[];
  readonly #spaces: AddressSpace[] = [];
  readonly #listeners: RecordingListener[] = [];
  /** The views of the spaces after the last update. */
  readonly #lastViews = new Map<AddressSpace, View>();
  readonly #shrunk = new Set<MemoryRegion>();
  #depth = 0;
  /** Whether the commit of the outermost transaction has to update the views (memory fact 1.7). */
  #pending = false;
  #changes = 0;
  #listenersMade = 0;

  constructor(engine: Engine, { regions, roots }: Plan, clauses: Set<Clause>) {
    this.#engine = engine;
    this.#clauses = clauses;
    this.#regions = plant(regions, engine.topology).map(({ region }) => region);
    for (const root of roots) {
      this.#createSpace(root);
      this.#check();
    }
    for (const space of this.#spaces) this.#listen(space, 0, false);
  }

  do(one: Step): void {
    this.#perform(one);
    this.#check();
  }

  /** Commits all open transactions and unregisters every listener, which must leave it without ranges. */
  finish(): void {
    while (this.#depth > 0) this.do({ do: 'commit' });
    while (this.#listeners.length > 0) this.#leave(this.#listeners[0]!);
  }

  #perform(one: Step): void {
    const { topology } = this.#engine;
    switch (one.do) {
      case 'begin':
        topology.begin();
        this.#depth++;
        if (this.#depth > 1) this.#clauses.add('nested transaction');
        return;
      case 'commit':
        if (this.#depth === 0) return;
        this.#depth--;
        topology.commit();
        return;
      case 'space':
        if (this.#spaces.length < 5) this.#createSpace(one.root);
        return;
      case 'listen':
        this.#listen(pick(this.#spaces, one.space), one.priority, one.nop);
        this.#clauses.add(
          this.#depth > 0 ? 'a listener is registered in a transaction' : 'a listener is registered later',
        );
        return;
      case 'leave': {
        // The first listener of every space stays registered.
        const free = this.#listeners.slice(this.#spaces.length);
        if (free.length === 0) return;
        this.#leave(pick(free, one.listener));
        this.#clauses.add('a listener is unregistered');
        return;
      }
      default:
        this.#mutate(one);
    }
  }

  #mutate(one: Exclude<Step, { do: 'begin' | 'commit' | 'space' | 'listen' | 'leave' }>): void {
    const { topology } = this.#engine;
    const region = this.#choose(one.region);
    const { container } = region;
    switch (one.do) {
      case 'add': {
        const later = this.#regions.length - 1 - this.#regions.indexOf(region);
        if (later === 0 || container !== undefined) return;
        this.#noteMove(region, one.address);
        const into = this.#regions[this.#regions.length - 1 - (one.container % later)]!;
        this.#change(into.enabled && region.enabled);
        topology.addSubregion(into, region, offset(one.address), one.priority);
        return;
      }
      case 'remove':
        if (container === undefined) return;
        this.#noteMove(region, region.address);
        this.#change(container.enabled && region.enabled);
        topology.removeSubregion(region);
        return;
      case 'move':
        this.#noteMove(region, one.address);
        if (region.address !== one.address) {
          this.#change(container !== undefined && container.enabled && region.enabled);
          if (region.aliasedBy.length > 1) this.#clauses.add('a region with several aliases moves');
        }
        topology.setAddress(region, offset(one.address));
        return;
      case 'resize':
        if (region.size !== one.size) this.#change(true);
        if (one.size < region.size) this.#shrunk.add(region);
        topology.setSize(region, one.size);
        return;
      case 'toggle enabled':
        this.#change(true);
        topology.setEnabled(region, !region.enabled);
        return;
      case 'toggle readonly':
        this.#change(region.enabled);
        topology.setReadonly(region, !region.readonly);
        return;
      case 'toggle romd':
        this.#change(region.enabled);
        topology.setRomdMode(region, !region.romdMode);
        return;
      case 'offset':
        if (region.alias === undefined) return;
        if (region.alias.offset !== one.address) this.#change(region.enabled);
        topology.setAliasOffset(region, offset(one.address));
    }
  }

  #choose({ of, index }: Choice): MemoryRegion {
    if (of === 'all') return this.#fromEnd(index);
    const seen = [...this.#lastViews.values()].flatMap(({ ranges }) => ranges.map(({ region }) => region));
    return seen.length > 0 ? pick(seen, index) : this.#fromEnd(index);
  }

  #fromEnd(index: number): MemoryRegion {
    return this.#regions.at(-1 - (index % this.#regions.length))!;
  }

  #noteMove(region: MemoryRegion, address: bigint): void {
    if (this.#shrunk.has(region)) this.#clauses.add('a shrunk region moves');
    const isRoot = [...this.#lastViews.values()].some(({ root }) => root === region);
    if (isRoot && address !== region.address) this.#clauses.add('a root gets another address');
  }

  #change(pending: boolean): void {
    this.#changes++;
    if (pending) this.#pending = true;
    else this.#clauses.add('a change that needs no update');
  }

  #createSpace(root: number): void {
    const region = this.#fromEnd(root);
    this.#change(true);
    const space = this.#engine.topology.createAddressSpace(`space ${this.#spaces.length}`, region);
    this.#spaces.push(space);
  }

  #listen(space: AddressSpace, priority: number, nop: boolean): void {
    const listener = new RecordingListener(`listener ${this.#listenersMade++}`, space, priority, nop);
    this.#engine.topology.registerListener(listener, space);
    this.#listeners.push(listener);
    listener.checkClosed();
    expect(listener.rounds).toBe(1);
    listener.rounds = 0;
    // The listener gets an add of every range of the view, by rising address, and nothing else (memory fact 3.5).
    expectRanges(
      listener.ranges('add', 'del', 'nop'),
      this.#lastView(space).ranges,
      'notifications at registration',
    );
    expectRanges(listener.held, this.#lastView(space).ranges, 'ranges after registration');
    listener.notifications = [];
  }

  #leave(listener: RecordingListener): void {
    listener.rounds = 0;
    this.#engine.topology.unregisterListener(listener, listener.space);
    this.#listeners.splice(this.#listeners.indexOf(listener), 1);
    listener.checkClosed();
    expect(listener.rounds).toBe(1);
    expectRanges(
      listener.ranges('add', 'del', 'nop'),
      this.#lastView(listener.space).ranges,
      'notifications at unregistration',
    );
    expect(listener.held).toEqual([]);
  }

  #lastView(space: AddressSpace): View {
    return this.#lastViews.get(space) ?? { root: undefined, ranges: [] };
  }

  #check(): void {
    const update = this.#depth === 0 && this.#pending;
    for (const listener of this.#listeners) {
      listener.checkClosed();
      expect(listener.rounds, `rounds of ${listener.name}`).toBe(Number(update));
      listener.rounds = 0;
    }
    for (const space of this.#spaces) {
      const before = this.#lastView(space);
      const after = this.#engine.view(space);
      if (update) this.#checkUpdate(space, before, after);
      else expectRanges(after.ranges, before.ranges, `${space.name} between updates`);
      this.#lastViews.set(space, { root: after.root, ranges: after.ranges });
    }
    if (update) {
      this.#checkSharing();
      this.#noteUpdate();
      this.#pending = false;
      this.#changes = 0;
      this.#shrunk.clear();
    }
    for (const listener of this.#listeners) listener.notifications = [];
  }

  #checkUpdate(space: AddressSpace, before: View, after: View): void {
    const root = effectiveRoot(space.root);
    if (after.root !== root) expect(after.root?.name, 'effective root').toBe(root?.name);
    const fresh = root === undefined ? [] : FlatView.render(root).ranges;
    expectRanges(after.ranges, fresh, `${space.name} against a fresh rendering`);
    expect(after.ranges.map(fullText), `${space.name} as printed`).toEqual(fresh.map(fullText));
    const removed = before.ranges.filter((old) => !after.ranges.some((range) => same(old, range)));
    const added = after.ranges.filter((range) => !before.ranges.some((old) => same(old, range)));
    const kept = after.ranges.filter((range) => before.ranges.some((old) => same(old, range)));
    for (const listener of this.#listeners) {
      if (listener.space !== space) continue;
      // By rising address: first all removals, then all additions, and no kept range.
      const events = listener.notifications.filter(({ what }) => what !== 'nop');
      const expected = [
        ...removed.map((range) => ({ what: 'del' as const, range })),
        ...added.map((range) => ({ what: 'add' as const, range })),
      ];
      const agree =
        events.length === expected.length &&
        events.every(
          ({ what, range }, index) => what === expected[index]!.what && same(range, expected[index]!.range),
        );
      if (!agree) {
        const lines = (all: readonly Notification[]): string[] =>
          all.map(({ what, range }) => `${what} ${text(range)}`);
        expect(lines(events), listener.name).toEqual(lines(expected));
        throw new Error(`${listener.name}: not the difference`);
      }
      expectRanges(listener.sorted, after.ranges, `ranges of ${listener.name}`);
      if (listener.regionNop !== undefined) this.#checkNops(listener, kept);
    }
    this.#noteDifference(before, after, removed, added, kept);
  }

  #checkNops(listener: RecordingListener, kept: Ranges): void {
    const nops = listener.ranges('nop');
    if (nops.length > 0) this.#clauses.add('a listener is notified of kept ranges');
    expectRanges(nops, kept, `${listener.name}: kept ranges`);
    const firstAfterRemovals = listener.notifications.findIndex(({ what }) => what !== 'del');
    const late = listener.notifications.slice(Math.max(firstAfterRemovals, 0)).map(({ range }) => range);
    if (firstAfterRemovals !== -1)
      expectRanges(
        late,
        this.#engine.view(listener.space).ranges,
        `${listener.name}: all ranges after the removals`,
      );
  }

  /** Spaces with the same effective root share one view object (memory fact 2.8). */
  #checkSharing(): void {
    const byRoot = new Map<MemoryRegion | undefined, View>();
    for (const space of this.#spaces) {
      const root = effectiveRoot(space.root);
      const view = this.#engine.view(space);
      const other = byRoot.get(root) ?? view;
      byRoot.set(root, other);
      if (view !== other)
        throw new Error(`${space.name} does not share the view of ${root?.name ?? 'nothing'}`);
    }
    if (byRoot.size < this.#spaces.length) this.#clauses.add('spaces share a view');
    if (byRoot.size > 1) this.#clauses.add('spaces with different views');
  }

  #noteDifference(before: View, after: View, removed: Ranges, added: Ranges, kept: Ranges): void {
    const note = (clause: Clause, happened: boolean): void => void (happened && this.#clauses.add(clause));
    note(
      'ranges are kept while others are removed and added',
      kept.length > 0 && removed.length > 0 && added.length > 0,
    );
    note(
      'additions next to removals',
      added.some(({ start, end }) => removed.some((old) => start < old.end && old.start < end)),
    );
    const rootChanged = before.root !== after.root;
    note('the effective root changes', rootChanged && before.root !== undefined && after.root !== undefined);
    note('the effective root appears', before.root === undefined && after.root !== undefined);
    note('the effective root disappears', before.root !== undefined && after.root === undefined);
    note(
      'a ROM device changes mode',
      added.some((range) =>
        removed.some((old) => old.region === range.region && old.romdMode !== range.romdMode),
      ),
    );
    note(
      'ranges merge',
      added.some(({ start, end, region }) => {
        const pieces = removed.filter((old) => old.region === region && start <= old.start && old.end <= end);
        return pieces.length > 1;
      }),
    );
    note(
      'a range shown by an alias',
      added.some(
        ({ region, start, offset: at }) => region.aliasedBy.length > 0 && start - at !== region.address,
      ),
    );
  }

  #noteUpdate(): void {
    if (this.#changes > 2) this.#clauses.add('several changes in one commit');
    if (this.#listeners.every(({ notifications }) => notifications.every(({ what }) => what === 'nop')))
      this.#clauses.add('a commit that changes nothing');
  }
}

const pick = <T>(from: readonly T[], index: number): T => from[index % from.length]!;
