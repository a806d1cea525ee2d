import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, hex, offset } from '../src/address/index.ts';
import { FlatRange, FlatView, MemoryRegion, MemoryTopology } from '../src/memory/index.ts';
import { plant, treePlan, type Node } from './testing/region-tree.ts';
import { ClauseShares } from './testing/clause-shares.ts';

/** The region that a search through the tree finds at an address. */
interface Answer {
  readonly node: Node;
  /** The offset of the address in the region. */
  readonly offset: bigint;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  /** The regions from the root to this one: several paths may lead to the same region. */
  readonly path: readonly Node[];
}

const terminates = ({ alias, plan: { kind } }: Node): boolean => alias === undefined && kind !== 'container';

/** Sorts children: the highest priority first, and for equal priorities the one added last first. */
const bestFirst = (children: readonly Node[]): Node[] =>
  children
    .map((node, turn) => ({ node, turn }))
    .toSorted((a, b) => b.node.plan.priority - a.node.plan.priority || b.turn - a.turn)
    .map(({ node }) => node);

/** All regions that could answer offset `at` of `node`; the one that does comes first. */
function* answers(node: Node, at: bigint, above: readonly Node[] = []): Generator<Answer> {
  const { plan, alias, children } = node;
  if (!plan.enabled || at < 0n || at >= plan.size) return;
  const path = [...above, node];
  if (alias !== undefined) {
    yield* answers(alias.node, at + alias.offset, path);
    return;
  }
  for (const child of bestFirst(children)) yield* answers(child, at - child.plan.address, path);
  if (!terminates(node)) return;
  const some = (flag: 'readonly' | 'nonvolatile' | 'unmergeable'): boolean =>
    path.some((above) => above.plan[flag]);
  yield {
    node,
    offset: at,
    readonly: some('readonly'),
    nonvolatile: some('nonvolatile'),
    unmergeable: some('unmergeable'),
    path,
  };
}

const firstAnswer = (root: Node, address: bigint): Answer | undefined => {
  for (const answer of answers(root, address - root.plan.address)) return answer;
  return undefined;
};

/** The addresses at which a region begins or ends, as seen from the root. */
function edges(root: Node): bigint[] {
  const found = new Set<bigint>([0n, END_OF_SPACE]);
  const walk = ({ plan, alias, children }: Node, base: bigint): void => {
    found.add(base).add(base + plan.size);
    if (alias === undefined) for (const child of children) walk(child, base + child.plan.address);
    else walk(alias.node, base - alias.offset);
  };
  walk(root, root.plan.address);
  return [...found].filter((edge) => edge >= 0n && edge <= END_OF_SPACE).toSorted((a, b) => (a < b ? -1 : 1));
}

/** The edges, their neighbours, and one address in the middle between each two edges. */
function pointsOf(root: Node): bigint[] {
  const points = new Set<bigint>();
  const sorted = edges(root);
  sorted.forEach((edge, index) => {
    const next = sorted[index + 1] ?? edge;
    for (const point of [edge - 1n, edge, edge + 1n, (edge + next) / 2n]) {
      if (point >= 0n && point < END_OF_SPACE) points.add(point);
    }
  });
  return [...points];
}

/** Whether QEMU makes one range of the two: written after memory fact 2.6, not after the code. */
const oneRange = (left: FlatRange, right: FlatRange): boolean =>
  left.region === right.region &&
  right.start === left.end &&
  right.offset - left.offset === right.start - left.start &&
  left.readonly === right.readonly &&
  left.nonvolatile === right.nonvolatile &&
  left.romdMode === right.romdMode &&
  !(left.unmergeable || right.unmergeable);

const text = (range: FlatRange | undefined): string =>
  range === undefined
    ? 'nothing'
    : `${hex(range.start)}-${hex(range.end)} ${range.region.name}+${hex(range.offset)}`;

type Clause =
  | 'priority decides'
  | 'order of adding decides'
  | 'a child hides its parent'
  | 'a disabled region would win'
  | 'an alias answers'
  | 'an alias of a region that is not at 0 answers'
  | 'an alias of an alias answers'
  | 'a region has two ranges'
  | 'the base is negative'
  | 'two claims merge'
  | 'only the offset keeps neighbours apart'
  | 'only being unmergeable keeps neighbours apart'
  | 'read-only by a region above'
  | 'nonvolatile by a region above'
  | 'cut by the container'
  | 'cut at 2^64'
  | 'a range ends beyond 2^63'
  | 'the root is not at 0'
  | 'empty view';

/** Throws unless the ranges are sorted, disjoint, not empty and in the address space, and no two neighbours could be one. */
function checkShape(ranges: readonly FlatRange[], root: Node): void {
  let last: FlatRange | undefined;
  for (const range of ranges) {
    const { start, end } = range;
    if (start < 0n || end > END_OF_SPACE || start >= end)
      throw new Error(`empty or outside the address space: ${text(range)}`);
    if (last !== undefined) {
      if (start < last.end) throw new Error(`not sorted and disjoint: ${text(last)}, ${text(range)}`);
      if (oneRange(last, range)) throw new Error(`not merged: ${text(last)}, ${text(range)}`);
      if (start === last.end) checkCut(start, root);
    }
    last = range;
  }
}

/** Throws if a range ends at `at` although the same region answers on both sides by the same path. */
function checkCut(at: bigint, root: Node): void {
  const [left, right] = [firstAnswer(root, at - 1n), firstAnswer(root, at)];
  if (left === undefined || right === undefined || left.path.length !== right.path.length) return;
  if (left.path.every((node, index) => node === right.path[index]))
    throw new Error(`cut without a reason at ${hex(at)}`);
}

/** Throws if the ranges and the search do not agree at `address`. */
function checkPoint(address: bigint, ranges: readonly FlatRange[], root: Node): void {
  const answer = firstAnswer(root, address);
  const range = ranges.find(({ start, end }) => start <= address && address < end);
  const agrees =
    range === undefined || answer === undefined
      ? range === answer
      : range.region === answer.node.region &&
        range.offset + (address - range.start) === answer.offset &&
        range.readonly === answer.readonly &&
        range.nonvolatile === answer.nonvolatile &&
        range.unmergeable === answer.unmergeable &&
        range.romdMode === answer.node.plan.romdMode &&
        range.priority === answer.node.region.priority;
  if (agrees) return;
  const expected = answer === undefined ? 'nothing' : `${answer.node.region.name}+${hex(answer.offset)}`;
  throw new Error(`at ${hex(address)}: ${text(range)}, but the tree has ${expected}`);
}

/** The clauses that the run is an example of. */
function* exercised(ranges: readonly FlatRange[], root: Node, points: readonly bigint[]): Generator<Clause> {
  if (ranges.length === 0) yield 'empty view';
  if (root.plan.address > 0n && ranges.length > 0) yield 'the root is not at 0';
  if (ranges.some(({ region }, index) => ranges.findIndex((other) => other.region === region) < index))
    yield 'a region has two ranges';
  if (ranges.some(({ end }) => end > 1n << 63n)) yield 'a range ends beyond 2^63';
  for (let index = 1; index < ranges.length; index++) {
    const [left, right] = [ranges[index - 1]!, ranges[index]!];
    if (left.end !== right.start || left.region !== right.region) continue;
    if (left.readonly !== right.readonly || left.nonvolatile !== right.nonvolatile) continue;
    const follows = left.offset + left.size === right.offset;
    if (!follows && !left.unmergeable && !right.unmergeable) yield 'only the offset keeps neighbours apart';
    if (follows) yield 'only being unmergeable keeps neighbours apart';
  }
  for (const address of points) {
    const [first, second] = answers(root, address - root.plan.address);
    if (first === undefined) continue;
    const { path, node } = first;
    const aliases = path.filter(({ alias }) => alias !== undefined);
    if (aliases.length > 0) yield 'an alias answers';
    if (aliases.length > 1) yield 'an alias of an alias answers';
    if (aliases.some(({ alias }) => alias!.node.plan.address !== 0n))
      yield 'an alias of a region that is not at 0 answers';
    if (first.offset > address) yield 'the base is negative';
    if (first.readonly && !node.plan.readonly) yield 'read-only by a region above';
    if (first.nonvolatile && !node.plan.nonvolatile) yield 'nonvolatile by a region above';
    if (first.offset + END_OF_SPACE - address < node.plan.size) yield 'cut at 2^64';
    const range = ranges.find(({ start, end }) => start <= address && address < end);
    if (range !== undefined && range.start < address && address < range.end) {
      const before = firstAnswer(root, address - 1n);
      if (before?.path.some((on, index) => on !== path[index])) yield 'two claims merge';
    }
    if (second !== undefined) {
      const parting = path.findIndex((on, index) => on !== second.path[index]);
      const [one, other] = [path[parting], second.path[parting]];
      if (one !== undefined && other === undefined) yield 'a child hides its parent';
      if (one !== undefined && other !== undefined) {
        yield one.plan.priority === other.plan.priority ? 'order of adding decides' : 'priority decides';
      }
    }
    const parent = path.at(-2);
    if (parent !== undefined && parent.alias === undefined) {
      if (node.plan.address + node.plan.size > parent.plan.size) yield 'cut by the container';
      const overruled = bestFirst(parent.children);
      const better = overruled.slice(0, overruled.indexOf(node));
      const at = first.offset + node.plan.address;
      if (better.some(({ plan }) => !plan.enabled && plan.address <= at && at < plan.address + plan.size))
        yield 'a disabled region would win';
    }
  }
}

type Render = (root: MemoryRegion) => readonly FlatRange[];

/** The property: the ranges that `render` makes of a tree agree with a search through the tree at each address. */
const agreesWithSearch = (render: Render, shares?: ClauseShares<Clause>) =>
  fc.property(treePlan, (plan) => {
    const nodes = plant(plan, new MemoryTopology());
    const root = nodes.at(-1)!;
    const ranges = render(root.region);
    const points = pointsOf(root);
    shares?.note(exercised(ranges, root, points));
    checkShape(ranges, root);
    for (const address of points) checkPoint(address, ranges, root);
  });

const run = { seed: 0xf1a7, numRuns: 2000 };

describe('the flat view of a region tree', () => {
  it('agrees with a search through the tree at each address (memory facts 2.2 to 2.6)', () => {
    const shares = new ClauseShares<Clause>();
    fc.assert(
      agreesWithSearch((root) => FlatView.render(root).ranges, shares),
      run,
    );
    shares.expectShares({
      'priority decides': 0.3,
      'order of adding decides': 0.15,
      'a child hides its parent': 0.2,
      'a disabled region would win': 0.08,
      'an alias answers': 0.4,
      'an alias of a region that is not at 0 answers': 0.4,
      'an alias of an alias answers': 0.06,
      'a region has two ranges': 0.4,
      'the base is negative': 0.08,
      'two claims merge': 0.03,
      'only the offset keeps neighbours apart': 0.03,
      'only being unmergeable keeps neighbours apart': 0.05,
      'read-only by a region above': 0.2,
      'nonvolatile by a region above': 0.2,
      'cut by the container': 0.15,
      'cut at 2^64': 0.12,
      'a range ends beyond 2^63': 0.3,
      'the root is not at 0': 0.06,
      'empty view': 0.03,
    });
  });

  it('finds the range at an address as a scan does', () => {
    fc.assert(
      fc.property(treePlan, (plan) => {
        const root = plant(plan, new MemoryTopology()).at(-1)!;
        const view = FlatView.render(root.region);
        for (const address of [...pointsOf(root), END_OF_SPACE]) {
          expect(view.at(address)).toBe(
            view.ranges.find(({ start, end }) => start <= address && address < end),
          );
        }
      }),
      { ...run, numRuns: 300 },
    );
  });
});

interface Stretch {
  readonly start: bigint;
  readonly end: bigint;
}
interface Flags {
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
}

/** The steps of memory fact 2.3 by which a region tree is rendered; a mutant replaces one of them. */
interface Rules {
  readonly isShown: (region: MemoryRegion, through: MemoryRegion | undefined) => boolean;
  readonly extent: (region: MemoryRegion, base: bigint) => Stretch;
  readonly clip: (window: Stretch, extent: Stretch) => Stretch | undefined;
  /** Where children are visible, given where their parent is (`outer`) and that cut to the parent (`clipped`). */
  readonly windowOfChildren: (outer: Stretch, clipped: Stretch) => Stretch;
  readonly windowOfTarget: (outer: Stretch, clipped: Stretch) => Stretch;
  readonly baseOfTarget: (base: bigint, target: MemoryRegion, offset: bigint) => bigint;
  readonly siblings: (children: readonly MemoryRegion[]) => readonly MemoryRegion[];
  readonly childrenFirst: boolean;
  readonly inherit: (region: MemoryRegion, above: Flags) => Flags;
  readonly fills: (region: MemoryRegion) => boolean;
  readonly offset: (start: bigint, base: bigint) => bigint;
  readonly gaps: (taken: readonly Stretch[], wanted: Stretch) => readonly Stretch[];
  readonly merge: (ranges: readonly FlatRange[]) => readonly FlatRange[];
}

/** Joins neighbours that are one by `joins`. */
const mergeBy =
  (joins: (left: FlatRange, right: FlatRange) => boolean) =>
  (ranges: readonly FlatRange[]): readonly FlatRange[] => {
    const merged: FlatRange[] = [];
    for (const range of ranges) {
      const last = merged.at(-1);
      if (last !== undefined && joins(last, range)) merged[merged.length - 1] = last.endingAt(range.end);
      else merged.push(range);
    }
    return merged;
  };

const intersect = (a: Stretch, b: Stretch): Stretch | undefined => {
  const start = a.start > b.start ? a.start : b.start;
  const end = a.end < b.end ? a.end : b.end;
  return start < end ? { start, end } : undefined;
};

const textbook: Rules = {
  isShown: (region) => region.enabled,
  extent: (region, base) => ({ start: base, end: base + region.size }),
  clip: intersect,
  windowOfChildren: (_, clipped) => clipped,
  windowOfTarget: (_, clipped) => clipped,
  baseOfTarget: (base, target, from) => base - target.address - from,
  siblings: (children) => children,
  childrenFirst: true,
  inherit: (region, above) => ({
    readonly: above.readonly || region.readonly,
    nonvolatile: above.nonvolatile || region.nonvolatile,
    unmergeable: above.unmergeable || region.unmergeable,
  }),
  fills: (region) => region.terminates,
  offset: (start, base) => start - base,
  gaps: (taken, wanted) => {
    const free: Stretch[] = [];
    let { start } = wanted;
    for (const one of taken) {
      if (one.end <= start) continue;
      if (one.start >= wanted.end) break;
      if (one.start > start) free.push({ start, end: one.start });
      start = one.end;
    }
    if (start < wanted.end) free.push({ start, end: wanted.end });
    return free;
  },
  merge: mergeBy(oneRange),
};

/** A renderer that fills the gaps of a sorted list, as QEMU does, but with some rules changed. */
function rendererWith(changed: Partial<Rules>): Render {
  const rules = { ...textbook, ...changed };
  return (root) => {
    const ranges: FlatRange[] = [];
    const visit = (
      region: MemoryRegion,
      containerBase: bigint,
      window: Stretch,
      above: Flags,
      through: MemoryRegion | undefined,
    ): void => {
      if (!rules.isShown(region, through)) return;
      const base = containerBase + region.address;
      const flags = rules.inherit(region, above);
      const clipped = rules.clip(window, rules.extent(region, base));
      if (clipped === undefined) return;
      const { alias } = region;
      if (alias !== undefined) {
        const target = rules.baseOfTarget(base, alias.region, alias.offset);
        visit(alias.region, target, rules.windowOfTarget(window, clipped), flags, region);
        return;
      }
      const fill = (): void => {
        if (!rules.fills(region)) return;
        for (const { start, end } of rules.gaps(ranges, clipped)) {
          const at = offset(rules.offset(start, base));
          ranges.push(new FlatRange(start, end, region, at, flags));
        }
        ranges.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
      };
      if (!rules.childrenFirst) fill();
      for (const child of rules.siblings(region.subregions)) {
        visit(child, base, rules.windowOfChildren(window, clipped), flags, undefined);
      }
      if (rules.childrenFirst) fill();
    };
    const space = { start: 0n, end: END_OF_SPACE };
    visit(root, 0n, space, { readonly: false, nonvolatile: false, unmergeable: false }, undefined);
    return rules.merge(ranges);
  };
}

const int64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const uint64 = (value: bigint): bigint => BigInt.asUintN(64, value);
/** `oneRange`, but `equalise` first gives `right` some fields that fit `left`. */
const joinsBut =
  (equalise: (right: FlatRange, left: FlatRange) => ConstructorParameters<typeof FlatRange>) =>
  (left: FlatRange, right: FlatRange): boolean =>
    oneRange(left, new FlatRange(...equalise(right, left)));

/** Rules with one mistake each; a mutant with an id is a bug that a VMM had. */
const mutants: Readonly<Record<string, Partial<Rules>>> = {
  'QM-01: the end of a range overflows at 2^63, so that overlapping ranges seem disjoint': {
    clip: (a, b) => {
      const holds = (range: Stretch, address: bigint): boolean =>
        int64(address) >= int64(range.start) && int64(address) < int64(range.end);
      return holds(a, b.start) || holds(b, a.start) ? intersect(a, b) : undefined;
    },
  },
  'QM-02: a hidden region is dropped only if it begins where the region above begins': {
    gaps: (taken, wanted) => {
      const free: Stretch[] = [];
      let { start } = wanted;
      for (const one of taken) {
        if (one.end <= start) continue;
        if (one.start >= wanted.end) break;
        if (one.start > start) free.push({ start, end: one.start });
        if (one.start >= start) start = one.end;
      }
      if (start < wanted.end) free.push({ start, end: wanted.end });
      return free;
    },
  },
  'SV-02: among equal priorities the region added first wins': {
    siblings: (children) =>
      children
        .map((child, turn) => ({ child, turn }))
        .toSorted((a, b) => b.child.priority - a.child.priority || b.turn - a.turn)
        .map(({ child }) => child),
  },
  'the lowest priority wins': {
    siblings: (children) => children.toSorted((a, b) => a.priority - b.priority),
  },
  'the lowest address wins': {
    siblings: (children) => children.toSorted((a, b) => (a.address < b.address ? -1 : 1)),
  },
  'a parent hides its children': { childrenFirst: false },
  'a container answers in the gaps between its children': { fills: (region) => region.alias === undefined },
  'a disabled region is visible through an alias': {
    isShown: (region, through) => region.enabled || through !== undefined,
  },
  'a disabled region hides itself, but not its children': {
    isShown: () => true,
    fills: (region) => region.terminates && region.enabled,
  },
  'an alias hides a region in a disabled container': {
    isShown: (region) => region.enabled && region.container?.enabled !== false,
  },
  'children are not cut to their parent': { windowOfChildren: (outer) => outer },
  'an alias does not cut its target': { windowOfTarget: (outer) => outer },
  'an alias does not subtract the address of its target': { baseOfTarget: (base, _, from) => base - from },
  'an alias ignores its offset': { baseOfTarget: (base, target) => base - target.address },
  'an alias adds its offset instead of subtracting it': {
    baseOfTarget: (base, target, from) => base - target.address + from,
  },
  'a negative base counts as 0': {
    baseOfTarget: (base, target, from) => {
      const start = base - from;
      return (start < 0n ? 0n : start) - target.address;
    },
  },
  'a negative base wraps around 2^64': {
    baseOfTarget: (base, target, from) => uint64(base - from) - target.address,
  },
  'a region of 2^64 bytes counts as empty': {
    extent: (region, base) => ({ start: base, end: base + uint64(region.size) }),
  },
  'a region that ends beyond 2^64 is omitted': {
    clip: (a, b) => (b.end > END_OF_SPACE ? undefined : intersect(a, b)),
  },
  'a region that ends beyond 2^64 is not cut': {
    clip: (a, b) => intersect(a.end === END_OF_SPACE ? { start: a.start, end: b.end } : a, b),
  },
  'no region answers the last byte of the address space': {
    clip: (a, b) => intersect(a.end === END_OF_SPACE ? { start: a.start, end: END_OF_SPACE - 1n } : a, b),
  },
  'a region that is cut at its start keeps offset 0': { offset: () => 0n },
  'offsets are those in the address space': { offset: (start) => start },
  'readonly is not inherited': {
    inherit: (region, above) => ({ ...textbook.inherit(region, above), readonly: region.readonly }),
  },
  'nonvolatile is not inherited': {
    inherit: (region, above) => ({ ...textbook.inherit(region, above), nonvolatile: region.nonvolatile }),
  },
  'unmergeable is not inherited': {
    inherit: (region, above) => ({ ...textbook.inherit(region, above), unmergeable: region.unmergeable }),
  },
  'the target of an alias does not inherit its flags': {
    inherit: (region, above) => (region.alias === undefined ? textbook.inherit(region, above) : above),
  },
  'merging ignores offsets': {
    merge: mergeBy(
      joinsBut((right, left) => [right.start, right.end, right.region, offset(left.offset + left.size), right]), // prettier-ignore
    ),
  },
  'merging ignores readonly': {
    merge: mergeBy(
      joinsBut((right, left) => [right.start, right.end, right.region, right.offset, { ...right, readonly: left.readonly }]), // prettier-ignore
    ),
  },
  'merging ignores nonvolatile': {
    merge: mergeBy(
      joinsBut((right, left) => [right.start, right.end, right.region, right.offset, { ...right, nonvolatile: left.nonvolatile }]), // prettier-ignore
    ),
  },
  'merging ignores that the right range is unmergeable': {
    merge: mergeBy(
      joinsBut((right) => [right.start, right.end, right.region, right.offset, { ...right, unmergeable: false }]), // prettier-ignore
    ),
  },
  'merging ignores gaps': {
    merge: mergeBy(
      joinsBut((right, left) => [left.end, right.end, right.region, offset(left.offset + left.size), right]), // prettier-ignore
    ),
  },
  'an unmergeable range is cut in two': {
    gaps: (taken, wanted) =>
      textbook.gaps(taken, wanted).flatMap(({ start, end }) => {
        const middle = (start + end) / 2n;
        return middle === start
          ? [{ start, end }]
          : [
              { start, end: middle },
              { start: middle, end },
            ];
      }),
  },
  'nothing merges': { merge: (ranges) => ranges },
};

describe('the property', () => {
  it('accepts a renderer that follows memory fact 2.3 to the letter', () => {
    expect(fc.check(agreesWithSearch(rendererWith({})), run).failed).toBe(false);
  });

  it.each(Object.keys(mutants))('refuses a renderer in which %s', (name) => {
    const found = fc.check(agreesWithSearch(rendererWith(mutants[name]!)), { ...run, endOnFailure: true });
    expect(found.failed).toBe(true);
  });
});
