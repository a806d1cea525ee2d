import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, hex, offset, type Offset, type Size } from '../src/address/index.ts';
import {
  FlatRange,
  FlatView,
  MemoryTopology,
  type AddressSpace,
  type MemoryListener,
  type MemoryRegion,
} from '../src/memory/index.ts';
import {
  plant,
  someAddress,
  somePriority,
  someSize,
  treePlan,
  type RegionPlan,
} from './testing/region-tree.ts';
import { ClauseShares } from './testing/clause-shares.ts';

type Ranges = readonly FlatRange[];
/** What an address space shows, and the region it was rendered from. */
interface View {
  readonly root: MemoryRegion | undefined;
  readonly ranges: Ranges;
}

/** What the property looks at: a topology, and how to see what an address space shows. */
interface Engine {
  readonly topology: MemoryTopology;
  view(space: AddressSpace): View;
}

/** Chooses a region: among all, counted from those that hold most, or among those that are seen. */
interface Choice {
  readonly of: 'all' | 'seen';
  readonly index: number;
}

/** One step of a run; numbers that choose are taken modulo how many there are. */
type Step =
  | { readonly do: 'add'; readonly region: Choice; readonly container: number; readonly address: bigint; readonly priority: number } // prettier-ignore
  | { readonly do: 'remove' | 'toggle enabled' | 'toggle readonly' | 'toggle romd'; readonly region: Choice }
  | { readonly do: 'move' | 'offset'; readonly region: Choice; readonly address: bigint }
  | { readonly do: 'resize'; readonly region: Choice; readonly size: bigint }
  | { readonly do: 'begin' | 'commit' }
  | { readonly do: 'space'; readonly root: number }
  | { readonly do: 'listen'; readonly space: number; readonly priority: number; readonly nop: boolean }
  | { readonly do: 'leave'; readonly listener: number };

const any = fc.nat(100);
const holder = fc.oneof({ weight: 3, arbitrary: any }, { weight: 1, arbitrary: fc.nat(3) });
const someRegion: fc.Arbitrary<Choice> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ of: fc.constant('all' as const), index: holder }) },
  { weight: 1, arbitrary: fc.record({ of: fc.constant('seen' as const), index: any }) },
);
const only = <const D extends string>(name: D) => fc.constant(name);

const changeOf = (region: fc.Arbitrary<Choice>): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: only('add'), region, container: holder, address: someAddress, priority: somePriority }) }, // prettier-ignore
    { weight: 4, arbitrary: fc.record({ do: only('remove'), region }) },
    { weight: 6, arbitrary: fc.record({ do: only('move'), region, address: someAddress }) },
    { weight: 4, arbitrary: fc.record({ do: only('resize'), region, size: someSize }) },
    { weight: 4, arbitrary: fc.record({ do: only('toggle enabled'), region }) },
    { weight: 2, arbitrary: fc.record({ do: only('toggle readonly'), region }) },
    { weight: 2, arbitrary: fc.record({ do: only('toggle romd'), region }) },
    { weight: 4, arbitrary: fc.record({ do: only('offset'), region, address: someAddress }) },
  );
/** Several changes of one region in a transaction: what one of them notes, the next may make void. */
const burst: fc.Arbitrary<readonly Step[]> = someRegion
  .chain((region) => fc.array(changeOf(fc.constant(region)), { minLength: 2, maxLength: 4 }))
  .map((changes) => [{ do: 'begin' }, ...changes, { do: 'commit' }]);
const single: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: changeOf(someRegion) },
  { weight: 5, arbitrary: fc.record({ do: only('begin') }) },
  { weight: 7, arbitrary: fc.record({ do: only('commit') }) },
  { weight: 1, arbitrary: fc.record({ do: only('space'), root: holder }) },
  { weight: 4, arbitrary: fc.record({ do: only('listen'), space: any, priority: fc.integer({ min: -1, max: 1 }), nop: fc.boolean() }) }, // prettier-ignore
  { weight: 1, arbitrary: fc.record({ do: only('leave'), listener: any }) },
);
const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(fc.oneof({ weight: 5, arbitrary: single.map((one) => [one]) }, { weight: 2, arbitrary: burst }), {
    minLength: 8,
    maxLength: 32,
    size: 'max',
  })
  .map((groups) => groups.flat());

interface Plan {
  readonly regions: readonly RegionPlan[];
  readonly roots: readonly number[];
  readonly steps: readonly Step[];
}

/** Puts two aliases beside the tree, of its root and of something else, and a container that holds both. */
function withBusMaster(tree: readonly RegionPlan[], other: number, whole: boolean): readonly RegionPlan[] {
  const inTree = tree.map((one) => ({ ...one, parent: one.parent < 0 ? -1 : one.parent + 3 }));
  const root = { ...inTree.at(-1)!, parent: -1 };
  const holder = { ...root, kind: 'container' as const, size: END_OF_SPACE, address: 0n };
  const alias = { ...holder, kind: 'alias' as const, targetOffset: 0n, parent: 0 };
  return [
    ...inTree.slice(0, -1),
    root,
    { ...alias, target: inTree.length - 1, size: whole ? END_OF_SPACE : 0x6000n },
    { ...alias, target: other % inTree.length, enabled: false },
    holder,
  ];
}

const plan: fc.Arbitrary<Plan> = fc.record({
  regions: fc.tuple(treePlan, any, fc.boolean()).map((parts) => withBusMaster(...parts)),
  // The first space shows the tree, the second the container of the aliases.
  roots: fc.array(any, { maxLength: 2 }).map((others) => [3, 0, ...others]),
  steps,
});

/**
 * Whether a listener must see the two as one and the same: written from memory fact 2.7, not from the code.
 */
const same = (a: FlatRange, b: FlatRange): boolean =>
  a.region === b.region &&
  a.start === b.start &&
  a.end === b.end &&
  a.offset === b.offset &&
  a.romdMode === b.romdMode &&
  a.readonly === b.readonly &&
  a.nonvolatile === b.nonvolatile &&
  a.unmergeable === b.unmergeable;

const text = ({
  start,
  end,
  region,
  offset: at,
  readonly,
  nonvolatile,
  unmergeable,
  romdMode,
}: FlatRange): string =>
  `${hex(start)}-${hex(end)} ${region.name}+${hex(at)} ${[readonly, nonvolatile, unmergeable, romdMode].map(Number).join('')}`;
/** As above, with what is printed of a range but is no reason to tell a listener. */
const fullText = (range: FlatRange): string => `${text(range)} ${range.priority} ${range.contained}`;

function expectRanges(actual: Ranges, expected: Ranges, what: string): void {
  if (actual.length === expected.length && actual.every((range, index) => same(range, expected[index]!)))
    return;
  expect(actual.map(text), what).toEqual(expected.map(text));
  throw new Error(`${what}: not the same`);
}

/** The region that a space with this root shows: written from memory fact 2.8, not from the code. */
function effectiveRoot(root: MemoryRegion): MemoryRegion | undefined {
  if (!root.enabled) return undefined;
  if (root.alias !== undefined) {
    const { region: target, offset: from } = root.alias;
    return from === 0n && root.size >= target.size ? effectiveRoot(target) : root;
  }
  if (root.kind !== 'container') return root;
  const [child, another] = root.subregions.filter(({ enabled }) => enabled);
  if (child === undefined) return undefined;
  const whole = child.address === 0n && child.size <= root.size;
  return another === undefined && whole ? effectiveRoot(child) : root;
}

interface Heard {
  readonly what: 'add' | 'del' | 'nop';
  readonly range: FlatRange;
}

/** A listener that keeps a book of what it was told, and refuses to be told what cannot be. */
class Book implements MemoryListener {
  readonly name: string;
  readonly priority: number;
  readonly space: AddressSpace;
  readonly regionNop?: (range: FlatRange) => void;
  /** What it must believe to be mapped. */
  held: FlatRange[] = [];
  /** What it heard between the last begin and commit. */
  heard: Heard[] = [];
  /** How many pairs of begin and commit. */
  rounds = 0;
  #open = false;

  constructor(name: string, space: AddressSpace, priority: number, nop: boolean) {
    this.name = name;
    this.space = space;
    this.priority = priority;
    if (nop) this.regionNop = (range) => this.#hear('nop', range);
  }

  begin(): void {
    if (this.#open) throw new Error(`${this.name}: begin without commit`);
    this.#open = true;
    this.heard = [];
  }

  commit(): void {
    if (!this.#open) throw new Error(`${this.name}: commit without begin`);
    this.#open = false;
    this.rounds++;
  }

  regionAdd(range: FlatRange): void {
    this.#hear('add', range);
    const overlapped = this.held.find(({ start, end }) => start < range.end && range.start < end);
    if (overlapped !== undefined)
      throw new Error(`${this.name}: add ${text(range)} over ${text(overlapped)}`);
    this.held.push(range);
  }

  regionDel(range: FlatRange): void {
    this.#hear('del', range);
    const index = this.held.findIndex((one) => same(one, range));
    if (index === -1) throw new Error(`${this.name}: del ${text(range)}, which it was never told of`);
    this.held.splice(index, 1);
  }

  #hear(what: Heard['what'], range: FlatRange): void {
    if (!this.#open) throw new Error(`${this.name}: ${what} outside begin and commit`);
    this.heard.push({ what, range });
  }

  get sorted(): Ranges {
    return this.held.toSorted((a, b) => (a.start < b.start ? -1 : 1));
  }

  checkClosed(): void {
    if (this.#open) throw new Error(`${this.name}: begin without commit`);
  }

  told(...what: readonly Heard['what'][]): Ranges {
    return this.heard.filter((one) => what.includes(one.what)).map(({ range }) => range);
  }
}

type Clause =
  | 'nested transaction'
  | 'several changes in one commit'
  | 'ranges stay while others go and come'
  | 'additions next to removals'
  | 'a commit that changes nothing'
  | 'a change that asks for no update'
  | 'spaces share a view'
  | 'spaces with different views'
  | 'the effective root changes'
  | 'the effective root appears'
  | 'the effective root disappears'
  | 'seen through an alias'
  | 'a region seen twice moves'
  | 'ranges merge'
  | 'a ROM device changes mode'
  | 'a listener comes late'
  | 'a listener comes inside a transaction'
  | 'a listener leaves'
  | 'a listener hears of what stays'
  | 'a region moves that has shrunk'
  | 'a root gets another address';

/** Runs the steps and looks, after each, at every view and every listener. */
class Run {
  readonly #engine: Engine;
  readonly #clauses: Set<Clause>;
  readonly #regions: readonly MemoryRegion[];
  readonly #spaces: AddressSpace[] = [];
  readonly #books: Book[] = [];
  /** What the spaces showed at the end of the last update. */
  readonly #shown = new Map<AddressSpace, View>();
  readonly #shrunk = new Set<MemoryRegion>();
  #depth = 0;
  /** Whether the commit of the outermost transaction has to update (memory fact 1.7). */
  #pending = false;
  #changes = 0;
  #listeners = 0;

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

  /** Closes what is open, and lets every listener go: none may be left with anything. */
  finish(): void {
    while (this.#depth > 0) this.do({ do: 'commit' });
    while (this.#books.length > 0) this.#leave(this.#books[0]!);
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
          this.#depth > 0 ? 'a listener comes inside a transaction' : 'a listener comes late',
        );
        return;
      case 'leave': {
        // One stays with every space, as a witness.
        const free = this.#books.slice(this.#spaces.length);
        if (free.length === 0) return;
        this.#leave(pick(free, one.listener));
        this.#clauses.add('a listener leaves');
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
          if (region.aliasedBy.length > 1) this.#clauses.add('a region seen twice moves');
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
    const seen = [...this.#shown.values()].flatMap(({ ranges }) => ranges.map(({ region }) => region));
    return seen.length > 0 ? pick(seen, index) : this.#fromEnd(index);
  }

  #fromEnd(index: number): MemoryRegion {
    return this.#regions.at(-1 - (index % this.#regions.length))!;
  }

  #noteMove(region: MemoryRegion, address: bigint): void {
    if (this.#shrunk.has(region)) this.#clauses.add('a region moves that has shrunk');
    const isRoot = [...this.#shown.values()].some(({ root }) => root === region);
    if (isRoot && address !== region.address) this.#clauses.add('a root gets another address');
  }

  #change(pending: boolean): void {
    this.#changes++;
    if (pending) this.#pending = true;
    else this.#clauses.add('a change that asks for no update');
  }

  #createSpace(root: number): void {
    const region = this.#fromEnd(root);
    this.#change(true);
    const space = this.#engine.topology.createAddressSpace(`space ${this.#spaces.length}`, region);
    this.#spaces.push(space);
  }

  #listen(space: AddressSpace, priority: number, nop: boolean): void {
    const book = new Book(`listener ${this.#listeners++}`, space, priority, nop);
    this.#engine.topology.registerListener(book, space);
    this.#books.push(book);
    book.checkClosed();
    expect(book.rounds).toBe(1);
    book.rounds = 0;
    // It is told of everything there is, by rising address, and of nothing else (memory fact 3.5).
    expectRanges(book.told('add', 'del', 'nop'), this.#shownBy(space).ranges, 'told when it came');
    expectRanges(book.held, this.#shownBy(space).ranges, 'held when it came');
    book.heard = [];
  }

  #leave(book: Book): void {
    book.rounds = 0;
    this.#engine.topology.unregisterListener(book, book.space);
    this.#books.splice(this.#books.indexOf(book), 1);
    book.checkClosed();
    expect(book.rounds).toBe(1);
    expectRanges(book.told('add', 'del', 'nop'), this.#shownBy(book.space).ranges, 'told when it left');
    expect(book.held).toEqual([]);
  }

  #shownBy(space: AddressSpace): View {
    return this.#shown.get(space) ?? { root: undefined, ranges: [] };
  }

  #check(): void {
    const update = this.#depth === 0 && this.#pending;
    for (const book of this.#books) {
      book.checkClosed();
      expect(book.rounds, `rounds of ${book.name}`).toBe(Number(update));
      book.rounds = 0;
    }
    for (const space of this.#spaces) {
      const before = this.#shownBy(space);
      const after = this.#engine.view(space);
      if (update) this.#checkUpdate(space, before, after);
      else expectRanges(after.ranges, before.ranges, `${space.name} between updates`);
      this.#shown.set(space, { root: after.root, ranges: after.ranges });
    }
    if (update) {
      this.#checkSharing();
      this.#noteUpdate();
      this.#pending = false;
      this.#changes = 0;
      this.#shrunk.clear();
    }
    for (const book of this.#books) book.heard = [];
  }

  #checkUpdate(space: AddressSpace, before: View, after: View): void {
    const root = effectiveRoot(space.root);
    if (after.root !== root) expect(after.root?.name, 'effective root').toBe(root?.name);
    const fresh = root === undefined ? [] : FlatView.render(root).ranges;
    expectRanges(after.ranges, fresh, `${space.name} against a fresh rendering`);
    expect(after.ranges.map(fullText), `${space.name} as printed`).toEqual(fresh.map(fullText));
    const gone = before.ranges.filter((old) => !after.ranges.some((range) => same(old, range)));
    const come = after.ranges.filter((range) => !before.ranges.some((old) => same(old, range)));
    const stay = after.ranges.filter((range) => before.ranges.some((old) => same(old, range)));
    for (const book of this.#books) {
      if (book.space !== space) continue;
      // By rising address, first all that goes, then all that comes, and nothing that stays.
      const events = book.heard.filter(({ what }) => what !== 'nop');
      const expected = [
        ...gone.map((range) => ({ what: 'del' as const, range })),
        ...come.map((range) => ({ what: 'add' as const, range })),
      ];
      const agree =
        events.length === expected.length &&
        events.every(
          ({ what, range }, index) => what === expected[index]!.what && same(range, expected[index]!.range),
        );
      if (!agree) {
        const lines = (all: readonly Heard[]): string[] =>
          all.map(({ what, range }) => `${what} ${text(range)}`);
        expect(lines(events), book.name).toEqual(lines(expected));
        throw new Error(`${book.name}: not the difference`);
      }
      expectRanges(book.sorted, after.ranges, `book of ${book.name}`);
      if (book.regionNop !== undefined) this.#checkNops(book, stay);
    }
    this.#noteDifference(before, after, gone, come, stay);
  }

  #checkNops(book: Book, stay: Ranges): void {
    const nops = book.told('nop');
    if (nops.length > 0) this.#clauses.add('a listener hears of what stays');
    expectRanges(nops, stay, `${book.name} hears of what stays`);
    const firstAfterRemovals = book.heard.findIndex(({ what }) => what !== 'del');
    const late = book.heard.slice(Math.max(firstAfterRemovals, 0)).map(({ range }) => range);
    if (firstAfterRemovals !== -1)
      expectRanges(late, this.#engine.view(book.space).ranges, `${book.name} hears of all in turn`);
  }

  /** Spaces show the same object where they have the same effective root (memory fact 2.8). */
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

  #noteDifference(before: View, after: View, gone: Ranges, come: Ranges, stay: Ranges): void {
    const note = (clause: Clause, happened: boolean): void => void (happened && this.#clauses.add(clause));
    note('ranges stay while others go and come', stay.length > 0 && gone.length > 0 && come.length > 0);
    note(
      'additions next to removals',
      come.some(({ start, end }) => gone.some((old) => start < old.end && old.start < end)),
    );
    const rootChanged = before.root !== after.root;
    note('the effective root changes', rootChanged && before.root !== undefined && after.root !== undefined);
    note('the effective root appears', before.root === undefined && after.root !== undefined);
    note('the effective root disappears', before.root !== undefined && after.root === undefined);
    note(
      'a ROM device changes mode',
      come.some((range) =>
        gone.some((old) => old.region === range.region && old.romdMode !== range.romdMode),
      ),
    );
    note(
      'ranges merge',
      come.some(({ start, end, region }) => {
        const pieces = gone.filter((old) => old.region === region && start <= old.start && old.end <= end);
        return pieces.length > 1;
      }),
    );
    note(
      'seen through an alias',
      come.some(
        ({ region, start, offset: at }) => region.aliasedBy.length > 0 && start - at !== region.address,
      ),
    );
  }

  #noteUpdate(): void {
    if (this.#changes > 2) this.#clauses.add('several changes in one commit');
    if (this.#books.every(({ heard }) => heard.every(({ what }) => what === 'nop')))
      this.#clauses.add('a commit that changes nothing');
  }
}

const pick = <T>(from: readonly T[], index: number): T => from[index % from.length]!;

/** The property: views and listeners of `makeEngine()` follow every change. */
const follows = (makeEngine: () => Engine, shares?: ClauseShares<Clause>) =>
  fc.property(plan, (one) => {
    const clauses = new Set<Clause>();
    const run = new Run(makeEngine(), one, clauses);
    for (const step of one.steps) run.do(step);
    run.finish();
    shares?.note(clauses);
  });

const real = (): Engine => ({ topology: new MemoryTopology(), view: (space) => space.view });
const run = { seed: 0x1c4e, numRuns: 500 };

describe('views and listeners', () => {
  it('follow every change (memory facts 1.7, 2.8, 3.1 to 3.5)', () => {
    const shares = new ClauseShares<Clause>();
    fc.assert(follows(real, shares), run);
    shares.expectShares({
      'nested transaction': 0.4,
      'several changes in one commit': 0.6,
      'ranges stay while others go and come': 0.25,
      'additions next to removals': 0.4,
      'a commit that changes nothing': 0.6,
      'a change that asks for no update': 0.6,
      'spaces share a view': 0.4,
      'spaces with different views': 0.6,
      'the effective root changes': 0.2,
      'the effective root appears': 0.6,
      'the effective root disappears': 0.4,
      'seen through an alias': 0.4,
      'a region seen twice moves': 0.1,
      'ranges merge': 0.06,
      'a ROM device changes mode': 0.05,
      'a listener comes late': 0.3,
      'a listener comes inside a transaction': 0.15,
      'a listener leaves': 0.06,
      'a listener hears of what stays': 0.1,
      'a region moves that has shrunk': 0.1,
      'a root gets another address': 0.1,
    });
  });
});

/** A window of addresses in which a view is updated. */
interface Window {
  readonly start: bigint;
  readonly end: bigint;
}

/** How views are kept and listeners are told, step by step, so that each can be got wrong. */
interface Rules {
  readonly root: (space: AddressSpace, before: View | undefined) => MemoryRegion | undefined;
  /** The new view, from the old one and one rendered anew. */
  readonly update: (before: Ranges, fresh: Ranges) => Ranges;
  readonly equal: (a: FlatRange, b: FlatRange) => boolean;
  /** What to tell, from what goes, comes and stays. */
  readonly order: (gone: readonly Heard[], others: readonly Heard[]) => readonly Heard[];
  readonly replay: (ranges: Ranges) => Ranges;
  readonly takeBack: (ranges: Ranges) => Ranges;
  /** Whether a listener is told of the end of an update, given whether it was told anything. */
  readonly ends: (told: boolean) => boolean;
  readonly publishesInside: boolean;
}

const textbook: Rules = {
  root: (space) => effectiveRoot(space.root),
  update: (_, fresh) => fresh,
  equal: same,
  order: (gone, others) => [...gone, ...others],
  replay: (ranges) => ranges,
  takeBack: (ranges) => ranges,
  ends: () => true,
  publishesInside: false,
};

const NOTHING: View = { root: undefined, ranges: [] };

/** Makes the changes of a real topology, but renders every view anew and tells listeners itself, by its own rules. */
class TextbookTopology extends MemoryTopology {
  readonly #rules: Rules;
  readonly #views = new Map<AddressSpace, View>();
  readonly #books: { readonly listener: MemoryListener; readonly space: AddressSpace }[] = [];
  #open = 0;
  #pending = false;

  constructor(rules: Rules) {
    super();
    this.#rules = rules;
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
    if (this.#open > 0 && !this.#rules.publishesInside) return;
    if (this.#pending || this.addressSpaces.length !== this.#views.size) this.#publish();
    this.#pending = false;
  }

  override createAddressSpace(name: string, root: MemoryRegion): AddressSpace {
    const space = super.createAddressSpace(name, root);
    // Tells when there is something to publish; that it does so at the right time is tested elsewhere.
    const probe: MemoryListener = { name: 'probe', priority: 0, commit: () => void (this.#pending = true) };
    super.registerListener(probe, space);
    this.#pending = false;
    return space;
  }

  override registerListener(listener: MemoryListener, space: AddressSpace): void {
    this.#books.push({ listener, space });
    this.#books.sort((a, b) => a.listener.priority - b.listener.priority);
    listener.begin?.();
    for (const range of this.#rules.replay(this.view(space).ranges)) listener.regionAdd?.(range);
    listener.commit?.();
  }

  override unregisterListener(listener: MemoryListener, space: AddressSpace): void {
    this.#books.splice(
      this.#books.findIndex((book) => book.listener === listener && book.space === space),
      1,
    );
    listener.begin?.();
    for (const range of this.#rules.takeBack(this.view(space).ranges)) listener.regionDel?.(range);
    listener.commit?.();
  }

  #publish(): void {
    const views = new Map<MemoryRegion | undefined, View>([[undefined, NOTHING]]);
    const told = new Set<MemoryListener>();
    for (const { listener } of this.#books) listener.begin?.();
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
      const listeners = this.#books.filter((book) => book.space === space).map(({ listener }) => listener);
      for (const { what, range } of this.#difference(before.ranges, after!.ranges)) {
        for (const listener of what === 'del' ? listeners.toReversed() : listeners) {
          if (what === 'add') listener.regionAdd?.(range);
          else if (what === 'del') listener.regionDel?.(range);
          else listener.regionNop?.(range);
          told.add(listener);
        }
      }
    }
    for (const { listener } of this.#books) if (this.#rules.ends(told.has(listener))) listener.commit?.();
  }

  /** As memory fact 3.3 has it. */
  #difference(before: Ranges, after: Ranges): readonly Heard[] {
    const gone: Heard[] = [];
    const others: Heard[] = [];
    let [left, right] = [0, 0];
    while (left < before.length || right < after.length) {
      const [old, range] = [before[left], after[right]];
      if (
        old !== undefined &&
        (range === undefined ||
          old.start < range.start ||
          (old.start === range.start && !this.#rules.equal(old, range)))
      ) {
        gone.push({ what: 'del', range: old });
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
    return this.#rules.order(gone, others);
  }
}

const engineWith =
  (changed: Partial<Rules>): (() => Engine) =>
  () => {
    const topology = new TextbookTopology({ ...textbook, ...changed });
    return { topology, view: (space) => topology.view(space) };
  };

const piece = (range: FlatRange, start: bigint, end: bigint): FlatRange | undefined => {
  const from = start > range.start ? start : range.start;
  const to = end < range.end ? end : range.end;
  const { region, offset: at } = range;
  if (from >= to) return undefined;
  const moved: Offset = offset(at + from - range.start);
  return new FlatRange(from, to, region, moved, range);
};
const pieces = (ranges: Ranges, start: bigint, end: Size): Ranges =>
  ranges.map((range) => piece(range, start, end)).filter((range) => range !== undefined);
const merged = (ranges: Ranges): Ranges => {
  const joined: FlatRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    const joins =
      last?.end === range.start &&
      same(
        last.endingAt(range.end),
        new FlatRange(last.start, range.end, range.region, offset(range.offset - last.size), range),
      ) &&
      !range.unmergeable;
    if (joins) joined[joined.length - 1] = last.endingAt(range.end);
    else joined.push(range);
  }
  return joined;
};

/** The addresses in which two views differ, all in one window. */
function difference(before: Ranges, after: Ranges): Window | undefined {
  const changed = [
    ...before.filter((old) => !after.some((range) => same(old, range))),
    ...after.filter((range) => !before.some((old) => same(old, range))),
  ];
  if (changed.length === 0) return undefined;
  const starts = changed.map(({ start }) => start);
  const ends = changed.map(({ end }) => end);
  return {
    start: starts.reduce((a, b) => (a < b ? a : b)),
    end: ends.reduce((a, b) => (a > b ? a : b)),
  };
}

/** As above, but only from the first address that has another answer to the last one. */
function narrowDifference(before: Ranges, after: Ranges): Window | undefined {
  const edges = [...before, ...after]
    .flatMap(({ start, end }) => [start, end])
    .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const stretches = edges.slice(1).map((end, index) => ({ start: edges[index]!, end }));
  const differing = stretches.filter(({ start, end }) => {
    const [[old], [range]] = [pieces(before, start, end), pieces(after, start, end)];
    if (old === undefined || range === undefined) return old !== range;
    return !same(old, range);
  });
  const [first, last] = [differing[0], differing.at(-1)];
  return first && last && { start: first.start, end: last.end };
}

/** The old view with the new one in a window of it. */
const splice = (before: Ranges, after: Ranges, { start, end }: Window, join = merged): Ranges =>
  join([...pieces(before, 0n, start), ...pieces(after, start, end), ...pieces(before, end, END_OF_SPACE)]);

/** Compares as a listener should, but for one thing. */
const equalBut =
  (...blind: readonly (keyof FlatRange)[]) =>
  (a: FlatRange, b: FlatRange): boolean =>
    (
      ['region', 'start', 'end', 'offset', 'romdMode', 'readonly', 'nonvolatile', 'unmergeable'] as const
    ).every((key) => blind.includes(key) || a[key] === b[key]);

/** Rules that are wrong in one way each; those with a number are bugs that a VMM had. */
const mutants: Readonly<Record<string, Partial<Rules>>> = {
  'SV-01: a range that changes its size is taken for the same': { equal: equalBut('end') },
  'QM-03: a ROM device that changes its mode is taken for the same': { equal: equalBut('romdMode') },
  'a range of another region is taken for the same': { equal: equalBut('region') },
  'a range that shows another part of its region is taken for the same': { equal: equalBut('offset') },
  'a range that becomes read-only is taken for the same': { equal: equalBut('readonly') },
  'what stays is removed and added again': { equal: () => false },
  'additions come before removals': {
    order: (gone, others) => [...others, ...gone],
  },
  'additions and removals are mixed, by address': {
    order: (gone, others) =>
      [...gone, ...others].toSorted((a, b) => (a.range.start < b.range.start ? -1 : a.range.start > b.range.start ? 1 : 0)), // prettier-ignore
  },
  'removals go down': { order: (gone, others) => [...gone.toReversed(), ...others] },
  'additions go down': { order: (gone, others) => [...gone, ...others.toReversed()] },
  'nobody hears of what stays': {
    order: (gone, others) => [...gone, ...others.filter(({ what }) => what !== 'nop')],
  },
  'the window of an update is one byte short': {
    update: (before, fresh) => {
      const window = difference(before, fresh);
      return window === undefined
        ? fresh
        : splice(before, fresh, { start: window.start, end: window.end - 1n });
    },
  },
  'the window of an update begins one byte late': {
    update: (before, fresh) => {
      const window = difference(before, fresh);
      return window === undefined
        ? fresh
        : splice(before, fresh, { start: window.start + 1n, end: window.end });
    },
  },
  'what an update renders does not merge with its neighbours': {
    update: (before, fresh) => {
      const window = narrowDifference(before, fresh);
      return window === undefined ? fresh : splice(before, fresh, window, (all) => all);
    },
  },
  'what a region leaves behind is forgotten': {
    update: (before, fresh) => {
      const window = difference([], fresh.filter((range) => !before.some((old) => same(old, range)))); // prettier-ignore
      return window === undefined ? before : splice(before, fresh, window);
    },
  },
  'views are not updated': { update: (before, fresh) => (before.length > 0 ? before : fresh) },
  'the effective root is found once and kept': {
    root: (space, before) => (before?.root?.enabled ? before.root : effectiveRoot(space.root)),
  },
  'the root is never looked through': { root: ({ root }) => root },
  'a listener that comes is told nothing': { replay: () => [] },
  'a listener that comes is not told of the last range': { replay: (ranges) => ranges.slice(0, -1) },
  'a listener that comes is told from the top down': { replay: (ranges) => ranges.toReversed() },
  'a listener that leaves keeps the last range': { takeBack: (ranges) => ranges.slice(0, -1) },
  'only listeners that were told something hear the end': { ends: (told) => told },
  'an inner transaction publishes': { publishesInside: true },
};

describe('the property finds out', () => {
  it('nothing wrong with a topology that renders every view anew', () => {
    const found = fc.check(follows(engineWith({})), run);
    expect(found.failed).toBe(false);
  });

  it('nothing wrong with updating a view in the right window', () => {
    const update: Rules['update'] = (before, fresh) => {
      const window = difference(before, fresh);
      return window === undefined ? fresh : splice(before, fresh, window);
    };
    expect(fc.check(follows(engineWith({ update })), run).failed).toBe(false);
  });

  it.each(Object.keys(mutants))('%s', (name) => {
    const found = fc.check(follows(engineWith(mutants[name]!)), { ...run, endOnFailure: true });
    expect(found.failed).toBe(true);
  });
});
