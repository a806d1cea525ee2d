import type { Claim } from './claim.ts';

/** A binary heap of claims with the lowest rank on top. */
export class ClaimHeap {
  readonly #claims: Claim[] = [];

  /** The claim with the lowest rank; `undefined` if the heap is empty. */
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

  /** Removes the claim with the lowest rank; the heap is not empty. */
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
