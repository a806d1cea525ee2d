import {
  FlatView,
  MemoryTopology,
  type AddressSpace,
  type FlatRange,
  type MemoryListener,
  type MemoryRegion,
} from '../../src/memory/index.ts';
import type { Notification } from './recording-listener.ts';
import { effectiveRoot, same, type Ranges, type View } from './view.ts';

/** How views are updated and listeners are notified; a mutant has one rule that is wrong. */
export interface Rules {
  readonly root: (space: AddressSpace, before: View | undefined) => MemoryRegion | undefined;
  /** The new view, made of the old view and a newly rendered one. */
  readonly update: (before: Ranges, fresh: Ranges) => Ranges;
  readonly equal: (a: FlatRange, b: FlatRange) => boolean;
  /** The notifications, made of the removals and of those for added and kept ranges. */
  readonly order: (
    removed: readonly Notification[],
    others: readonly Notification[],
  ) => readonly Notification[];
  readonly replay: (ranges: Ranges) => Ranges;
  readonly unregister: (ranges: Ranges) => Ranges;
  /** Whether a listener gets the commit of an update, given whether it got any notification. */
  readonly ends: (notified: boolean) => boolean;
  readonly updatesInside: boolean;
}

/** Rules without a fault. */
const CORRECT: Rules = {
  root: (space) => effectiveRoot(space.root),
  update: (_, fresh) => fresh,
  equal: same,
  order: (removed, others) => [...removed, ...others],
  replay: (ranges) => ranges,
  unregister: (ranges) => ranges,
  ends: () => true,
  updatesInside: false,
};

const NOTHING: View = { root: undefined, ranges: [] };

/** Changes regions as a real topology does, but renders every view anew, and notifies listeners by `Rules`. */
export class RuledTopology extends MemoryTopology {
  readonly #rules: Rules;
  readonly #views = new Map<AddressSpace, View>();
  readonly #registrations: { readonly listener: MemoryListener; readonly space: AddressSpace }[] = [];
  #open = 0;
  #pending = false;

  /** @param changed the rules that differ from the correct ones. */
  constructor(changed: Partial<Rules>) {
    super();
    this.#rules = { ...CORRECT, ...changed };
  }

  view(space: AddressSpace): View {
    return this.#views.get(space) ?? NOTHING;
  }

  override begin(): void {
    this.#open++;
    super.begin();
  }

  override commit(): void {
    this.#open--;
    super.commit();
    if (this.#open > 0 && !this.#rules.updatesInside) return;
    if (this.#pending || this.addressSpaces.length !== this.#views.size) this.#update();
    this.#pending = false;
  }

  override createAddressSpace(name: string, root: MemoryRegion): AddressSpace {
    const space = super.createAddressSpace(name, root);
    // The real topology calls the probe when views have to be updated; other tests check when it does so.
    const probe: MemoryListener = { name: 'probe', priority: 0, commit: () => void (this.#pending = true) };
    super.registerListener(probe, space);
    this.#pending = false;
    return space;
  }

  override registerListener(listener: MemoryListener, space: AddressSpace): void {
    this.#registrations.push({ listener, space });
    this.#registrations.sort((a, b) => a.listener.priority - b.listener.priority);
    listener.begin?.();
    for (const range of this.#rules.replay(this.view(space).ranges)) listener.regionAdd?.(range);
    listener.commit?.();
  }

  override unregisterListener(listener: MemoryListener, space: AddressSpace): void {
    this.#registrations.splice(
      this.#registrations.findIndex(
        (registration) => registration.listener === listener && registration.space === space,
      ),
      1,
    );
    listener.begin?.();
    for (const range of this.#rules.unregister(this.view(space).ranges)) listener.regionDel?.(range);
    listener.commit?.();
  }

  #update(): void {
    const views = new Map<MemoryRegion | undefined, View>([[undefined, NOTHING]]);
    const notified = new Set<MemoryListener>();
    for (const { listener } of this.#registrations) listener.begin?.();
    for (const space of this.addressSpaces) {
      const known = this.#views.get(space);
      const before = known ?? NOTHING;
      const root = this.#rules.root(space, known);
      let after = views.get(root);
      if (after === undefined && root !== undefined) {
        const fresh = FlatView.render(root).ranges;
        const ranges = root === before.root ? this.#rules.update(before.ranges, fresh) : fresh;
        after = { root, ranges };
        views.set(root, after);
      }
      this.#views.set(space, after!);
      const listeners = this.#registrations
        .filter((registration) => registration.space === space)
        .map(({ listener }) => listener);
      for (const { what, range } of this.#difference(before.ranges, after!.ranges)) {
        for (const listener of what === 'del' ? listeners.toReversed() : listeners) {
          if (what === 'add') listener.regionAdd?.(range);
          else if (what === 'del') listener.regionDel?.(range);
          else listener.regionNop?.(range);
          notified.add(listener);
        }
      }
    }
    for (const { listener } of this.#registrations)
      if (this.#rules.ends(notified.has(listener))) listener.commit?.();
  }

  /** The notifications for a new view, by the rule of memory fact 3.3. */
  #difference(before: Ranges, after: Ranges): readonly Notification[] {
    const removed: Notification[] = [];
    const others: Notification[] = [];
    let [left, right] = [0, 0];
    while (left < before.length || right < after.length) {
      const [old, range] = [before[left], after[right]];
      if (
        old !== undefined &&
        (range === undefined ||
          old.start < range.start ||
          (old.start === range.start && !this.#rules.equal(old, range)))
      ) {
        removed.push({ what: 'del', range: old });
        left++;
      } else if (old !== undefined && range !== undefined && this.#rules.equal(old, range)) {
        others.push({ what: 'nop', range });
        left++;
        right++;
      } else {
        others.push({ what: 'add', range: range! });
        right++;
      }
    }
    return this.#rules.order(removed, others);
  }
}
