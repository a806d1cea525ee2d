import * as fc from 'fast-check';
import { scenarios } from '../../generators/index.ts';
import { FingerprintMap, INVARIANTS, examineAll, type InvariantId } from '../../src/invariants/index.ts';
import type { Scenario } from '../../src/scenario/index.ts';
import type { Trace } from '../../src/trace/index.ts';
import { scopeOf, type AnyRevision } from '../../src/model/index.ts';

/** What a survey runs, and how many cases. */
export interface SurveyOptions {
  readonly run: (scenario: Scenario) => Trace;
  /** The revision whose scenarios are generated. */
  readonly revision: AnyRevision;
  readonly seed: number;
  /** The least and the largest number of cases. */
  readonly atLeast: number;
  readonly atMost: number;
  /** Whether these findings suffice; only then the survey ends before `atMost` cases. */
  readonly enough: (found: FingerprintMap<Occurrence>) => boolean;
}

/** The first case that shows a fingerprint, and how many cases show it. */
export interface Occurrence {
  /** Number of the case, from 0. */
  readonly run: number;
  cases: number;
}

/** The result of a survey. */
export interface Survey {
  readonly found: FingerprintMap<Occurrence>;
  readonly cases: number;
  /** For each invariant, the number of cases in which it checked something. */
  readonly exercised: ReadonlyMap<InvariantId, number>;
}

/**
 * Runs generated scenarios and collects all fingerprints, as `search` does, but ends when the findings suffice.
 *
 * @throws every error of `run`.
 */
export function survey({ run, revision, seed, atLeast, atMost, enough }: SurveyOptions): Survey {
  const found = new FingerprintMap<Occurrence>();
  const exercised = new Map<InvariantId, number>();
  let cases = 0;
  let ended = false;
  const look = (scenario: Scenario): boolean => {
    const trace = run(scenario);
    for (const [index, { exercised: times, violations }] of examineAll(trace, INVARIANTS).entries()) {
      const { id } = INVARIANTS[index]!;
      if (times > 0) exercised.set(id, (exercised.get(id) ?? 0) + 1);
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
  // fast-check ends early only after a failure.
  if (failed && !ended) throw errorInstance;
  return { found, cases, exercised };
}
