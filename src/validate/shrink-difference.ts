import type * as fc from 'fast-check';
import type { Stability } from '../campaign/index.ts';
import {
  fingerprintText,
  sameFingerprint,
  type Fingerprint,
  type Invariant,
  type Violation,
} from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { compareOn, type Difference, type Sides, type ViolationDifference } from './difference.ts';
import { runAll, type RunSides } from './run-both.ts';

/** A case, shrunk as long as the two sides differ in the same way. */
export interface Counterexample {
  readonly scenario: Scenario;
  readonly difference: Difference;
  readonly traces: Sides<Trace>;
  /** The violation on the side that breaks the invariant, or on both sides. */
  readonly violations: Partial<Sides<Violation>>;
  /** Number of shrinking steps. */
  readonly shrinks: number;
  /** In how many repetitions of the case the difference showed again; absent where the sides never depend on timing. */
  readonly stability?: Stability;
}

/** What every smaller case has to show. */
export interface Kept {
  readonly invariant: Invariant;
  readonly fingerprint: Fingerprint;
  readonly difference: Difference;
}

/** The same scenario gives another result when it is run again. */
export class Unrepeatable extends Error {
  override readonly name = 'Unrepeatable';
  readonly scenario: Scenario;

  constructor({ fingerprint, difference }: Kept, scenario: Scenario) {
    super(`a case was "${difference}" for ${fingerprintText(fingerprint)}, but not when it was run again`);
    this.scenario = scenario;
  }
}

/** How a case is shrunk. */
export interface ShrinkDifferenceOptions {
  readonly run: RunSides;
  /** The arbitrary that gives the simpler scenarios for a scenario. */
  readonly scenarios: fc.Arbitrary<Scenario>;
  /** How often the case may be run until it shows the difference again; 1 when left out. */
  readonly attempts?: number | undefined;
  /** Whether one more smaller case may be tried; always when left out. */
  readonly mayTry?: (() => boolean) | undefined;
  /** Ends shrinking early, with the smallest case so far. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Shrinks a case as long as the same invariant breaks for the same cause on the same side.
 *
 * @param kept what every smaller case has to show.
 * @returns nothing when the signal came before the case itself was run again.
 * @throws Unrepeatable when the case itself does not show the difference again.
 */
export async function shrinkDifference(
  scenario: Scenario,
  kept: Kept,
  { run, scenarios, attempts = 1, mayTry = () => true, signal }: ShrinkDifferenceOptions,
): Promise<Counterexample | undefined> {
  let smallest: Omit<Counterexample, 'shrinks'> | undefined;
  let shrinks = -1;
  const visit = (candidate: Scenario, traces: Sides<Trace>): void => {
    const found = differenceIn(traces, kept);
    if (found === undefined) return;
    smallest = { scenario: candidate, difference: found.difference, traces, violations: found.violations };
    shrinks++;
  };
  function* candidates(): Generator<Scenario> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      yield scenario;
      if (smallest !== undefined) break;
    }
    if (smallest === undefined) return;
    for (let before: Scenario | undefined; smallest?.scenario !== before;) {
      before = smallest!.scenario;
      for (const { value } of scenarios.shrink(before, undefined)) {
        if (!mayTry()) return;
        yield value;
        // Go on from the smaller case.
        if (smallest!.scenario !== before) break;
      }
    }
  }
  await runAll(candidates(), run, { visit, signal });
  // An interrupted run shows nothing.
  if (smallest === undefined && signal?.aborted) return undefined;
  if (smallest === undefined) throw new Unrepeatable(kept, scenario);
  // A target may run a variant of the scenario; the trace holds the variant.
  const { traces } = smallest as Omit<Counterexample, 'shrinks'>;
  return { ...(smallest as Omit<Counterexample, 'shrinks'>), scenario: traces.base.scenario, shrinks };
}

/** How the sides differ in what every smaller case has to show; nothing where they do not. */
const differenceIn = (traces: Sides<Trace>, kept: Kept): ViolationDifference | undefined =>
  compareOn(kept.invariant, traces).differences.find(
    ({ fingerprint, difference }) =>
      difference === kept.difference && sameFingerprint(fingerprint, kept.fingerprint),
  );

/**
 * Runs a case again and again.
 *
 * @param repetitions how often; the signal may end it earlier.
 */
export async function repeatDifference(
  scenario: Scenario,
  kept: Kept,
  {
    run,
    signal,
    repetitions,
  }: Pick<ShrinkDifferenceOptions, 'run' | 'signal'> & { readonly repetitions: number },
): Promise<Stability> {
  const stability = { shown: 0, of: 0 };
  const visit = (_: Scenario, traces: Sides<Trace>): void => {
    stability.of++;
    if (differenceIn(traces, kept) !== undefined) stability.shown++;
  };
  await runAll(Array.from({ length: repetitions }, () => scenario).values(), run, { visit, signal });
  return stability;
}
