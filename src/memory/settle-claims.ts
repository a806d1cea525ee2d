import { offset } from '../address/index.ts';
import { ClaimHeap } from './claim-heap.ts';
import type { Claim } from './claim.ts';
import { FlatRange, canMerge } from './flat-range.ts';
import { sortClaims } from './sort-claims.ts';

/**
 * The flat ranges that result if the claim with the lowest rank wins each address. Neighbours that
 * continue each other are merged (flatview_insert and flatview_simplify, memory facts 2.3 and 2.6).
 *
 * A sweep over the claims by ascending start keeps the claims at the present address in a heap by rank:
 * n log n, where inserting into a sorted list, as QEMU does, takes n².
 *
 * @param claims in rendering order; the array may be reordered.
 * @param mergeable whether two neighbours become one range.
 */
export function settleClaims(claims: Claim[], mergeable = canMerge): FlatRange[] {
  if (claims.length <= 1) return claims.map((claim) => rangeOf(claim, claim.start, claim.end));
  const byStart = sortClaims(claims);
  const active = new ClaimHeap();
  const ranges: FlatRange[] = [];
  let next = 0;
  let position = 0n;
  let owner: Claim | undefined;
  let ownedFrom = 0n;

  const close = (end: bigint): void => {
    if (owner !== undefined) append(ranges, mergeable, owner, ownedFrom, end);
  };

  for (;;) {
    while (active.top !== undefined && active.top.end <= position) active.pop();
    if (active.top === undefined) {
      close(position);
      owner = undefined;
      // Most regions of a machine overlap no other region: their claims need no heap.
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

/** Whether the claim ends before the next one begins. */
const standsAlone = (byStart: readonly Claim[], index: number): boolean => {
  const following = byStart[index + 1];
  return following === undefined || following.start >= byStart[index]!.end;
};

/** Adds a part of a claim behind the present ranges, merged with the last range where it continues that. */
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

/** The part of a claim from `start` to `end`. */
const rangeOf = ({ region, base, attributes }: Claim, start: bigint, end: bigint): FlatRange =>
  new FlatRange(start, end, region, offset(start - base), attributes);
