/** What a tally counts cases by. */
export const TALLIED = [
  /** How the run ended. */
  'outcomes',
  /** Why the target could not run the case. */
  'notRun',
  /** The invariants that had something to check in the case. */
  'exercised',
  /** The discoveries that the case shows, by name. */
  'found',
  /** The files of the known findings that explain a violation of the case. */
  'known',
  /** The kinds of scenario to which the case belongs. */
  'classes',
  /** The pages of host, IOMMU and guest. */
  'pageSizes',
  /** The reasons for which the VMM mapped nothing of a section of RAM. */
  'skips',
  /** What the run shows of the behaviour of the VMM: `behavioursOf`. */
  'behaviours',
] as const;
export type TalliedBy = (typeof TALLIED)[number];

/** Numbers of cases, by what the cases have in common. A case may count under several names. */
export interface Tally {
  readonly cases: number;
  readonly by: Readonly<Record<TalliedBy, ReadonlyMap<string, number>>>;
}

/** A tally to which cases are added. */
export class Tallying implements Tally {
  cases = 0;
  readonly by = Object.fromEntries(TALLIED.map((what) => [what, new Map<string, number>()])) as Record<
    TalliedBy,
    Map<string, number>
  >;

  count(what: TalliedBy, name: string, times = 1): void {
    const counts = this.by[what];
    counts.set(name, (counts.get(name) ?? 0) + times);
  }

  add(other: Tally): void {
    this.cases += other.cases;
    for (const what of TALLIED) for (const [name, times] of other.by[what]) this.count(what, name, times);
  }

  /** A copy that can be sent to another thread. */
  plain(): Tally {
    return { cases: this.cases, by: this.by };
  }
}

/** The sum of tallies: the same in any order. */
export function sumOf(tallies: Iterable<Tally>): Tally {
  const sum = new Tallying();
  for (const tally of tallies) sum.add(tally);
  return sum;
}
