import * as fc from 'fast-check';
import { examine, fingerprint, type Invariant, type Violation } from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Trace } from '../target/trace.ts';

/** Runs a scenario at once; the model can, a real VMM cannot. */
export type RunScenario = (scenario: Scenario) => Trace;

/** What a search looks through and how far. */
export interface SearchOptions {
  readonly run: RunScenario;
  readonly scenarios: fc.Arbitrary<Scenario>;
  readonly invariants: readonly Invariant[];
  /** The integer that generation starts from. */
  readonly seed: number;
  /** How many cases. */
  readonly runs: number;
  /** Called every so many cases with the number done. */
  readonly onProgress?: (cases: number, findings: number) => void;
}

/** The first case that shows a fingerprint. */
export interface Sighting {
  readonly fingerprint: string;
  /** Number of the case, from 0. */
  readonly run: number;
  /** How many cases show it. */
  cases: number;
}

/** What a search has seen. */
export interface SearchResult {
  readonly sightings: readonly Sighting[];
  /** For each invariant, how many cases it had something to say about. */
  readonly exercised: ReadonlyMap<string, number>;
  /** How the runs ended. */
  readonly outcomes: ReadonlyMap<Trace['outcome'], number>;
}

const PROGRESS_EVERY = 500;

/** Runs generated scenarios and notes every way in which an invariant breaks. Stops at nothing but the budget. */
export function search(options: SearchOptions): SearchResult {
  const { run, scenarios, invariants, seed, runs, onProgress } = options;
  const sightings = new Map<string, Sighting>();
  const exercised = new Map<string, number>(invariants.map(({ id }) => [id, 0]));
  const outcomes = new Map<Trace['outcome'], number>();
  let number = 0;
  const judge = (scenario: Scenario): void => {
    const trace = run(scenario);
    outcomes.set(trace.outcome, (outcomes.get(trace.outcome) ?? 0) + 1);
    for (const invariant of invariants) {
      const examination = examine(trace, invariant);
      if (examination.exercised > 0) exercised.set(invariant.id, exercised.get(invariant.id)! + 1);
      for (const violation of examination.violations) note(fingerprint(violation));
    }
    number++;
    if (number % PROGRESS_EVERY === 0) onProgress?.(number, sightings.size);
  };
  const note = (name: string): void => {
    const known = sightings.get(name);
    if (known === undefined) sightings.set(name, { fingerprint: name, run: number, cases: 1 });
    else known.cases++;
  };
  fc.assert(fc.property(scenarios, judge), { seed, numRuns: runs, endOnFailure: true });
  return { sightings: [...sightings.values()], exercised, outcomes };
}

/** A case made as small as it gets while it still breaks in the same way. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly violation: Violation;
  /** Where fast-check finds it again: replays as long as the generators stay as they are. */
  readonly path: string;
  readonly shrinks: number;
}

/** Shrinks the case of a sighting. The same invariant has to break for the same cause all the way. */
export function shrinkSighting(sighting: Sighting, options: SearchOptions): Shrunk {
  const { run, scenarios, invariants, seed } = options;
  const violationOf = (scenario: Scenario): Violation | undefined => {
    const trace = run(scenario);
    for (const invariant of invariants) {
      if (!sighting.fingerprint.startsWith(`${invariant.id}/`)) continue;
      const { violations } = examine(trace, invariant);
      return violations.find((violation) => fingerprint(violation) === sighting.fingerprint);
    }
    return undefined;
  };
  const details = fc.check(
    fc.property(scenarios, (scenario) => violationOf(scenario) === undefined),
    { seed, path: String(sighting.run), numRuns: 1 },
  );
  const scenario = details.counterexample?.[0];
  const violation = scenario && violationOf(scenario);
  if (scenario === undefined || violation === undefined) {
    throw new Error(
      `case ${sighting.run} of seed ${seed} does not show ${sighting.fingerprint} a second time`,
    );
  }
  return { scenario, violation, path: details.counterexamplePath!, shrinks: details.numShrinks };
}
