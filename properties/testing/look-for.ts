import * as fc from 'fast-check';
import { scenarios } from '../../generators/index.ts';
import { FingerprintMap, INVARIANTS, examine, type InvariantId } from '../../src/invariants/index.ts';
import type { Scenario } from '../../src/scenario/index.ts';
import type { Trace } from '../../src/trace/index.ts';
import { scopeOf, type AnyRevision } from '../../src/model/index.ts';

/** What is looked for, and how far. */
export interface Looking {
  readonly run: (scenario: Scenario) => Trace;
  /** Whose scenarios: its id and its kinds of containers. */
  readonly revision: AnyRevision;
  readonly seed: number;
  /** No fewer cases than these, and no more than those. */
  readonly atLeast: number;
  readonly atMost: number;
  /** Whether these fingerprints are all that is wanted; only then it ends before `atMost`. */
  readonly enough: (found: FingerprintMap<Found>) => boolean;
}

/** Where a fingerprint was seen first, and in how many cases. */
export interface Found {
  readonly run: number;
  cases: number;
}

/** What was seen, and over how many cases. */
export interface Seen {
  readonly found: FingerprintMap<Found>;
  readonly cases: number;
  /** In how many cases each invariant had something to say. */
  readonly exercised: ReadonlyMap<InvariantId, number>;
}

/**
 * Runs generated scenarios and notes all fingerprints, as `search` does, but ends when enough is found.
 *
 * @throws whatever `run` throws.
 */
export function lookFor({ run, revision, seed, atLeast, atMost, enough }: Looking): Seen {
  const found = new FingerprintMap<Found>();
  const exercised = new Map<InvariantId, number>();
  let cases = 0;
  let ended = false;
  const look = (scenario: Scenario): boolean => {
    const trace = run(scenario);
    for (const invariant of INVARIANTS) {
      const { exercised: times, violations } = examine(trace, invariant);
      if (times > 0) exercised.set(invariant.id, (exercised.get(invariant.id) ?? 0) + 1);
      for (const violation of violations) {
        const known = found.get(violation);
        if (known === undefined) found.set(violation, { run: cases, cases: 1 });
        else known.cases++;
      }
    }
    cases++;
    ended = cases >= atLeast && enough(found);
    return !ended;
  };
  const drawn = scenarios(scopeOf(revision));
  const { failed, errorInstance } = fc.check(fc.property(drawn, look), {
    seed,
    numRuns: atMost,
    endOnFailure: true,
  });
  // Ending early is a failure to fast-check, too.
  if (failed && !ended) throw errorInstance;
  return { found, cases, exercised };
}
