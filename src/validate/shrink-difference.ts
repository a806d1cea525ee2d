import type * as fc from 'fast-check';
import {
  fingerprintText,
  sameFingerprint,
  type Fingerprint,
  type Invariant,
  type Violation,
} from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { compareOn, type Difference, type Sides } from './difference.ts';
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

/**
 * Shrinks a case as long as the same invariant breaks for the same cause on the same side.
 *
 * @param kept what every smaller case has to show.
 * @param scenarios the arbitrary that gives the simpler scenarios for a scenario.
 * @param signal ends shrinking early, with the smallest case so far.
 * @returns nothing when the signal came before the case itself was run again.
 * @throws Unrepeatable when the case itself does not show the difference again.
 */
export async function shrinkDifference(
  scenario: Scenario,
  kept: Kept,
  run: RunSides,
  scenarios: fc.Arbitrary<Scenario>,
  signal?: AbortSignal,
): Promise<Counterexample | undefined> {
  let smallest: Omit<Counterexample, 'shrinks'> | undefined;
  let shrinks = -1;
  const visit = (candidate: Scenario, traces: Sides<Trace>): void => {
    const found = compareOn(kept.invariant, traces).differences.find(
      ({ fingerprint, difference }) =>
        difference === kept.difference && sameFingerprint(fingerprint, kept.fingerprint),
    );
    if (found === undefined) return;
    smallest = { scenario: candidate, difference: found.difference, traces, violations: found.violations };
    shrinks++;
  };
  function* candidates(): Generator<Scenario> {
    yield scenario;
    for (let before: Scenario | undefined; smallest?.scenario !== before;) {
      before = smallest!.scenario;
      for (const { value } of scenarios.shrink(before, undefined)) {
        yield value;
        // Go on from the smaller case.
        if (smallest!.scenario !== before) break;
      }
    }
  }
  await runAll(candidates(), run, { visit, ...(signal && { signal }) });
  // An interrupted run shows nothing.
  if (smallest === undefined && signal?.aborted) return undefined;
  if (smallest === undefined) throw new Unrepeatable(kept, scenario);
  return { ...(smallest as Omit<Counterexample, 'shrinks'>), shrinks };
}
