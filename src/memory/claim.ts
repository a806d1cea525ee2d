import { END_OF_SPACE, offset, type Address, type Range } from '../address/index.ts';
import { FlatRange, canMerge } from './flat-range.ts';
import type { MemoryRegion } from './memory-region.ts';

/**
 * A terminating region's wish for a run of addresses. Claims are made in rendering order, and an
 * earlier claim wins: what QEMU calls filling the gaps of the view (fact 2.3, steps 5 to 7).
 */
export interface Claim {
  readonly start: Address;
  readonly end: bigint;
  readonly region: MemoryRegion;
  /** The address at which offset 0 of the region would lie; negative behind some aliases. */
  readonly base: bigint;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  /** Position in rendering order: the smaller one wins. */
  readonly rank: number;
}

/** Every claim that `root` and what lies below it make inside `window` (render_memory_region, fact 2.3). */
export function collectClaims(root: MemoryRegion, window: Range): Claim[] {
  const claims: Claim[] = [];

  const visit = (
    region: MemoryRegion,
    containerBase: bigint,
    clipStart: bigint,
    clipEnd: bigint,
    inheritedReadonly: boolean,
    inheritedNonvolatile: boolean,
    inheritedUnmergeable: boolean,
  ): void => {
    if (!region.enabled) return;
    const base = containerBase + region.address;
    const end = base + region.size;
    const start = base > clipStart ? base : clipStart;
    const stop = end < clipEnd ? end : clipEnd;
    if (start >= stop) return;
    const readonly = inheritedReadonly || region.readonly;
    const nonvolatile = inheritedNonvolatile || region.nonvolatile;
    const unmergeable = inheritedUnmergeable || region.unmergeable;
    const { alias } = region;
    if (alias !== undefined) {
      const targetBase = base - alias.region.address - alias.offset;
      visit(alias.region, targetBase, start, stop, readonly, nonvolatile, unmergeable);
      return;
    }
    for (const child of region.subregions) {
      visit(child, base, start, stop, readonly, nonvolatile, unmergeable);
    }
    if (region.terminates) {
      claims.push({ start, end: stop, region, base, readonly, nonvolatile, unmergeable, rank: claims.length });
    }
  };

  visit(root, 0n, window.start, window.end < END_OF_SPACE ? window.end : END_OF_SPACE, false, false, false);
  return claims;
}

/**
 * The flat ranges that result when the earliest claim wins every address it wants, merged where
 * neighbours continue each other (flatview_insert and flatview_simplify, facts 2.3 and 2.6).
 *
 * A sweep over the claims sorted by start, with the active ones in a heap by rank: n log n, where
 * inserting into a sorted list, as QEMU does, takes n².
 */
export function settleClaims(claims: Claim[]): FlatRange[] {
  const byStart = claims.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.rank - b.rank));
  const active = new ClaimHeap();
  const ranges: FlatRange[] = [];
  let next = 0;
  let position = 0n;
  let owner: Claim | undefined;
  let ownedFrom = 0n;

  const close = (end: bigint): void => {
    if (owner === undefined || ownedFrom === end) return;
    const range = new FlatRange(
      ownedFrom,
      end,
      owner.region,
      offset(ownedFrom - owner.base),
      owner.readonly,
      owner.nonvolatile,
      owner.unmergeable,
    );
    const last = ranges.at(-1);
    if (last !== undefined && canMerge(last, range)) ranges[ranges.length - 1] = last.endingAt(end);
    else ranges.push(range);
  };

  for (;;) {
    while (active.top !== undefined && active.top.end <= position) active.pop();
    if (active.top === undefined) {
      close(position);
      owner = undefined;
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
