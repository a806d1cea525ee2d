import { expect } from 'vitest';

/** In how many of its runs a property met something that it is about, so that it cannot pass on nothing. */
export class ClauseShares<Clause extends string> {
  readonly #counts = new Map<Clause, number>();
  #runs = 0;

  /** Notes one run and the clauses that it exercised. */
  note(exercised: Iterable<Clause>): void {
    this.#runs++;
    for (const clause of new Set(exercised)) this.#counts.set(clause, (this.#counts.get(clause) ?? 0) + 1);
  }

  /** The part of the runs, 0 to 1, in which the clause was exercised. */
  share(clause: Clause): number {
    return (this.#counts.get(clause) ?? 0) / this.#runs;
  }

  /** Fails where a clause was exercised in a smaller part of the runs than it should be. */
  expectShares(minima: Readonly<Record<Clause, number>>): void {
    for (const clause of Object.keys(minima) as Clause[]) {
      expect(this.share(clause), `share of runs with: ${clause}`).toBeGreaterThanOrEqual(minima[clause]);
    }
  }
}
