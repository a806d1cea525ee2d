import type { Fingerprint } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';

/** The first case that shows a fingerprint. */
export interface Sighting {
  readonly fingerprint: Fingerprint;
  /** The file of the known finding that explains these cases; `undefined` where none does. */
  readonly known: string | undefined;
  /** Number of the first case that shows it, from 0. */
  readonly run: number;
  /** Number of cases that show it. */
  cases: number;
  /** Numbers of the first draws that show it, from 0: shrinking starts from them. */
  readonly starts: number[];
  /** Whether one of `starts` is a scenario that a real machine can show. */
  hasRealisticStart: boolean;
}

/** The result of a search. */
export interface SearchResult {
  readonly sightings: readonly Sighting[];
  /** Number of cases run: `runs`, unless the search was ended early. */
  readonly cases: number;
  /** For each invariant, the number of cases to which the invariant applied. */
  readonly exercised: ReadonlyMap<string, number>;
  /** Number of cases that the target could not run, by the reason. */
  readonly notRun: ReadonlyMap<string, number>;
  /** Number of cases by outcome. */
  readonly outcomes: ReadonlyMap<Trace['outcome'], number>;
}
