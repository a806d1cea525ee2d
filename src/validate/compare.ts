import * as fc from 'fast-check';
import { FingerprintMap, type Fingerprint, type Invariant, type InvariantId } from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Outcome, Trace } from '../trace/index.ts';
import { CostTally, type Cost } from './cost.ts';
import { compareOn, type Difference, type Sides } from './difference.ts';
import { runAll, type RunSides } from './run-both.ts';

/** What is compared, on what, and how far. */
export interface CompareOptions {
  /** Carries out a scenario on either side, whatever revision the scenario names: a model, or a real VMM. */
  readonly run: RunSides;
  readonly invariants: readonly Invariant[];
  /** Cases that come first. */
  readonly stored: readonly Scenario[];
  readonly scenarios: fc.Arbitrary<Scenario>;
  /** The integer that generation starts from. */
  readonly seed: number;
  /** How many generated cases. */
  readonly runs: number;
  /** Called every so many cases with the number done. */
  readonly onProgress?: (cases: number) => void;
  /** Ends the comparison after the case at hand. */
  readonly signal?: AbortSignal;
}

/** In how many cases one way for an invariant to break shows, and how. */
export interface CauseTally extends Fingerprint {
  /** Cases by what they say; a case counts once. */
  readonly cases: Record<Difference, number>;
  /** The first case of each kind. */
  readonly first: Partial<Record<Difference, Scenario>>;
}

/** What a comparison has seen. */
export interface Comparison {
  /** How many cases were run, the stored ones included. */
  readonly cases: number;
  /** By fingerprint, in the order of the first sight. */
  readonly causes: FingerprintMap<CauseTally>;
  /** For each invariant, how many cases each side had something to say about. */
  readonly exercised: ReadonlyMap<InvariantId, Sides<number>>;
  /** How many cases ended in which way on the base and on the patched side; `ok ok`. */
  readonly outcomes: ReadonlyMap<OutcomePair, number>;
  readonly cost: Cost;
}

/** How a case ended on the base and, behind the space, on the patched side. */
export type OutcomePair = `${Outcome} ${Outcome}`;

const GENERATED_AT_A_TIME = 100;

/** Runs the same scenarios on both sides and counts what tells them apart. */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { run, invariants, signal, onProgress } = options;
  const causes = new FingerprintMap<CauseTally>();
  const exercised = new Map(invariants.map(({ id }) => [id, { base: 0, patched: 0 }]));
  const outcomes = new Map<OutcomePair, number>();
  const cost = new CostTally();
  let cases = 0;

  const judge = (scenario: Scenario, traces: Sides<Trace>): void => {
    const ends: OutcomePair = `${traces.base.outcome} ${traces.patched.outcome}`;
    outcomes.set(ends, (outcomes.get(ends) ?? 0) + 1);
    cost.add(traces);
    for (const invariant of invariants) {
      const { id } = invariant;
      const { exercised: times, differences } = compareOn(invariant, traces);
      const counts = exercised.get(id)!;
      if (times.base > 0) counts.base++;
      if (times.patched > 0) counts.patched++;
      for (const { fingerprint, difference } of differences) {
        const tally = causes.get(fingerprint) ?? newTally(fingerprint);
        causes.set(fingerprint, tally);
        tally.cases[difference]++;
        tally.first[difference] ??= scenario;
      }
    }
  };
  const visit = (scenario: Scenario, traces: Sides<Trace>): void => {
    cases++;
    judge(scenario, traces);
  };
  await runAll(casesOf(options), run, visit, () => onProgress?.(cases), signal);
  return { cases, causes, exercised, outcomes, cost: cost.sum() };
}

/** The stored cases, and then generated ones, a few at a time: there may be millions. */
function* casesOf({ stored, scenarios, seed, runs }: CompareOptions): Generator<Scenario> {
  yield* stored;
  for (let made = 0; made < runs; made += GENERATED_AT_A_TIME) {
    const numRuns = Math.min(GENERATED_AT_A_TIME, runs - made);
    yield* fc.sample(scenarios, { seed: seed + made, numRuns });
  }
}

const newTally = (fingerprint: Fingerprint): CauseTally => ({
  ...fingerprint,
  cases: { both: 0, fixed: 0, hidden: 0, broken: 0, swapped: 0, uncovered: 0 },
  first: {},
});
