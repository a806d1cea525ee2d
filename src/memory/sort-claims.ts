import type { Claim } from './claim.ts';

/** Up to so many claims, sorting by insertion is faster than `Array.sort`; most updates concern fewer. */
const FEW = 12;

/** From so many claims on, visiting them in order of address misses the processor's cache. */
const MANY = 1_000;

/** Sorts claims by ascending start, and claims with the same start by rank; may reorder the array given. */
export function sortClaims(claims: Claim[]): readonly Claim[] {
  if (claims.length <= FEW) return sortFew(claims);
  return claims.length < MANY ? claims.sort(compareClaims) : sortMany(claims);
}

const compareClaims = (a: Claim, b: Claim): number =>
  a.start < b.start ? -1 : a.start > b.start ? 1 : a.rank - b.rank;

function sortFew(claims: Claim[]): Claim[] {
  for (let index = 1; index < claims.length; index++) {
    const claim = claims[index]!;
    let position = index;
    // Claims come in the order of their rank, so equal starts stay in that order.
    for (; position > 0 && claims[position - 1]!.start > claim.start; position--) {
      claims[position] = claims[position - 1]!;
    }
    claims[position] = claim;
  }
  return claims;
}

/** Compares starts as doubles in one typed array first: that reads less memory than claims and their `bigint`s. */
function sortMany(claims: readonly Claim[]): Claim[] {
  const rounded = Float64Array.from(claims, ({ start }) => Number(start));
  const order = Uint32Array.from(claims.keys());
  order.sort((a, b) => rounded[a]! - rounded[b]! || compareClaims(claims[a]!, claims[b]!));
  return Array.from(order, (index) => claims[index]!);
}
