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

/** A case made as small as it gets while it still tells the two sides apart in the same way. */
export interface Counterexample {
  readonly scenario: Scenario;
  readonly difference: Difference;
  readonly traces: Sides<Trace>;
  /** On the side that breaks the invariant, or on both. */
  readonly violations: Partial<Sides<Violation>>;
  readonly shrinks: number;
}

/** What is to be kept while a case is made smaller. */
export interface Kept {
  readonly invariant: Invariant;
  readonly fingerprint: Fingerprint;
  readonly difference: Difference;
}

/** A side answers otherwise when it is asked again. */
export class Unrepeatable extends Error {
  override readonly name = 'Unrepeatable';
  readonly scenario: Scenario;

  constructor({ fingerprint, difference }: Kept, scenario: Scenario) {
    super(`the case is ${difference} for ${fingerprintText(fingerprint)} the first time, and not the second`);
    this.scenario = scenario;
  }
}

/**
 * Makes a case smaller as long as the same invariant breaks for the same cause on the same side.
 *
 * @param scenarios knows what is simpler than a given case, as fast-check's arbitraries do.
 * @param signal ends it early, with the smallest case until then.
 * @throws Unrepeatable when not even the case itself shows the difference again.
 */
export async function shrinkDifference(
  scenario: Scenario,
  kept: Kept,
  run: RunSides,
  scenarios: fc.Arbitrary<Scenario>,
  signal?: AbortSignal,
): Promise<Counterexample> {
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
        // A smaller one is the new starting point.
        if (smallest!.scenario !== before) break;
      }
    }
  }
  await runAll(candidates(), run, visit, () => undefined, signal);
  if (smallest === undefined) throw new Unrepeatable(kept, scenario);
  return { ...(smallest as Omit<Counterexample, 'shrinks'>), shrinks };
}
