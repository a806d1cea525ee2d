import { expect } from 'vitest';

/** In which share of its runs a property met each situation (clause) that it is about, so that it cannot pass on none. */
export class ClauseShares<Clause extends string> {
  readonly #counts = new Map<Clause, number>();
  #runs = 0;

  /** Counts one run and the clauses that it exercised. */
  note(exercised: Iterable<Clause>): void {
    this.#runs++;
    for (const clause of new Set(exercised)) this.#counts.set(clause, (this.#counts.get(clause) ?? 0) + 1);
  }

  /** The share of the runs, 0 to 1, in which the clause was exercised. */
  share(clause: Clause): number {
    return (this.#counts.get(clause) ?? 0) / this.#runs;
  }

  /** Fails if a clause was exercised in a smaller share of the runs than its minimum, 0 to 1. */
  expectShares(minima: Readonly<Record<Clause, number>>): void {
    for (const clause of Object.keys(minima) as Clause[]) {
      expect(this.share(clause), `share of runs with: ${clause}`).toBeGreaterThanOrEqual(minima[clause]);
    }
  }
}
