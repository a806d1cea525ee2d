import { END_OF_SPACE, offset, type Address, type Range } from '../address/index.ts';
import { FlatRange, canMerge } from './flat-range.ts';
import type { MemoryRegion } from './memory-region.ts';

/**
 * A terminating region's wish for a run of addresses. Claims are made in rendering order, and an
 * earlier claim wins: what QEMU calls filling the gaps of the view (memory fact 2.3, steps 5 to 7).
 */
export interface Claim {
  readonly start: Address;
  readonly end: bigint;
  readonly region: MemoryRegion;
  /** The address at which offset 0 of the region would lie; negative behind some aliases. */
  readonly base: bigint;
  readonly attributes: Inherited;
  /** Position in rendering order: the smaller one wins. */
  readonly rank: number;
}

/** What a region hands down to what is below it. */
interface Inherited {
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
}

const NOTHING_INHERITED: Inherited = { readonly: false, nonvolatile: false, unmergeable: false };

/**
 * Every claim that `root` and what lies below it make inside `window` (render_memory_region,
 * memory fact 2.3).
 */
export function collectClaims(root: MemoryRegion, window: Range): Claim[] {
  const claims: Claim[] = [];
  const end = window.end < END_OF_SPACE ? window.end : END_OF_SPACE;
  visit(root, root.address, root.size, window.start, end, NOTHING_INHERITED, claims);
  return claims;
}

/**
 * @param base the address at which the region begins; negative behind some aliases.
 * @param size of the region as far as it may be seen.
 */
function visit(
  region: MemoryRegion,
  base: bigint,
  size: bigint,
  clipStart: bigint,
  clipEnd: bigint,
  inherited: Inherited,
  claims: Claim[],
): void {
  if (!region.enabled) return;
  const end = base + size;
  const start = base > clipStart ? base : clipStart;
  const stop = end < clipEnd ? end : clipEnd;
  if (start >= stop) return;
  const attributes = inherit(region, inherited);
  const { alias, subregions } = region;
  if (alias !== undefined) {
    visit(alias.region, base - alias.offset, alias.region.size, start, stop, attributes, claims);
    return;
  }
  if (subregions.length > 0) {
    // In the region's own offsets the test that rules out most children needs no arithmetic.
    const from = start - base;
    const to = stop - base;
    for (const child of subregions) {
      if (child.address >= to || child.end <= from) continue;
      visit(child, base + child.address, child.size, start, stop, attributes, claims);
    }
  }
  if (region.terminates) claims.push({ start, end: stop, region, base, attributes, rank: claims.length });
}

function inherit(region: MemoryRegion, inherited: Inherited): Inherited {
  if (!region.readonly && !region.nonvolatile && !region.unmergeable) return inherited;
  return {
    readonly: inherited.readonly || region.readonly,
    nonvolatile: inherited.nonvolatile || region.nonvolatile,
    unmergeable: inherited.unmergeable || region.unmergeable,
  };
}

/**
 * The flat ranges that result when the earliest claim wins every address it wants, merged where
 * neighbours continue each other (flatview_insert and flatview_simplify, memory facts 2.3 and 2.6).
 *
 * A sweep over the claims sorted by start, with the active ones in a heap by rank: n log n, where
 * inserting into a sorted list, as QEMU does, takes n².
 *
 * @param claims are put into another order.
 * @param mergeable whether two neighbours become one range.
 */
export function settleClaims(claims: Claim[], mergeable = canMerge): FlatRange[] {
  if (claims.length <= 1) return claims.map((claim) => rangeOf(claim, claim.start, claim.end));
  const byStart = sortByStart(claims);
  const active = new ClaimHeap();
  const ranges: FlatRange[] = [];
  let next = 0;
  let position = 0n;
  let owner: Claim | undefined;
  let ownedFrom = 0n;

  const close = (end: bigint): void => {
    if (owner === undefined || ownedFrom === end) return;
    append(ranges, mergeable, owner, ownedFrom, end);
  };

  for (;;) {
    while (active.top !== undefined && active.top.end <= position) active.pop();
    if (active.top === undefined) {
      close(position);
      owner = undefined;
      // Most regions of a machine overlap no other one: they need no heap.
      while (next < byStart.length && standsAlone(byStart, next)) append(ranges, mergeable, byStart[next++]!);
      if (next === byStart.length) return ranges;
      position = byStart[next]!.start;
    }
    while (next < byStart.length && byStart[next]!.start === position) active.push(byStart[next++]!);
    const winner = active.top!;
    if (winner !== owner) {
      close(position);
      owner = winner;
      ownedFrom = position;
    }
    const following = byStart[next];
    position = following !== undefined && following.start < winner.end ? following.start : winner.end;
  }
}

/** By rising start, those with the same start by rank. */
const compareClaims = (a: Claim, b: Claim): number =>
  a.start < b.start ? -1 : a.start > b.start ? 1 : a.rank - b.rank;

/** Up to here inserting is faster than any sort: most updates concern a handful of claims. */
const FEW = 12;

/** So many claims are no longer in the processor's cache together. */
const MANY = 1_000;

/** The claims by rising start; may put them into another order. */
function sortByStart(claims: Claim[]): readonly Claim[] {
  if (claims.length <= FEW) return sortFew(claims);
  return claims.length < MANY ? claims.sort(compareClaims) : sortMany(claims);
}

function sortFew(claims: Claim[]): Claim[] {
  for (let index = 1; index < claims.length; index++) {
    const claim = claims[index]!;
    let position = index;
    // Those before it have the lower rank.
    for (; position > 0 && claims[position - 1]!.start > claim.start; position--) {
      claims[position] = claims[position - 1]!;
    }
    claims[position] = claim;
  }
  return claims;
}

/** The same order, found by rounded starts that lie side by side: less memory to visit than claims and their `bigint`s. */
function sortMany(claims: readonly Claim[]): Claim[] {
  const rounded = Float64Array.from(claims, ({ start }) => Number(start));
  const order = Uint32Array.from(claims.keys());
  order.sort((a, b) => rounded[a]! - rounded[b]! || compareClaims(claims[a]!, claims[b]!));
  return Array.from(order, (index) => claims[index]!);
}

/** Whether the claim ends before the next one begins. */
const standsAlone = (byStart: readonly Claim[], index: number): boolean => {
  const following = byStart[index + 1];
  return following === undefined || following.start >= byStart[index]!.end;
};

/** Adds a stretch of a claim to the ranges below it, merging it with the last one where it continues that. */
function append(
  ranges: FlatRange[],
  mergeable: typeof canMerge,
  claim: Claim,
  start = claim.start,
  end = claim.end,
): void {
  const range = rangeOf(claim, start, end);
  const last = ranges[ranges.length - 1];
  if (last !== undefined && mergeable(last, range)) ranges[ranges.length - 1] = last.endingAt(end);
  else ranges.push(range);
}

/** The stretch of a claim from `start` to `end`. */
const rangeOf = ({ region, base, attributes }: Claim, start: bigint, end: bigint): FlatRange =>
  new FlatRange(
    start,
    end,
    region,
    offset(start - base),
    attributes.readonly,
    attributes.nonvolatile,
    attributes.unmergeable,
  );

/** A binary heap with the claim of the lowest rank on top. */
class ClaimHeap {
  readonly #claims: Claim[] = [];

  get top(): Claim | undefined {
    return this.#claims[0];
  }

  push(claim: Claim): void {
    const claims = this.#claims;
    let index = claims.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (claims[parent]!.rank < claim.rank) break;
      claims[index] = claims[parent]!;
      index = parent;
    }
    claims[index] = claim;
  }

  pop(): void {
    const claims = this.#claims;
    const moved = claims.pop()!;
    if (claims.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= claims.length) break;
      if (child + 1 < claims.length && claims[child + 1]!.rank < claims[child]!.rank) child++;
      if (claims[child]!.rank > moved.rank) break;
      claims[index] = claims[child]!;
      index = child;
    }
    claims[index] = moved;
  }
}
