import * as fc from 'fast-check';
import { examine, fingerprintText, sameFingerprint, type Violation } from '../invariants/index.ts';
import { byRealism, encodeScenario, toJsonLine, type Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { anyOf, lanesOf, type Draw } from './draw.ts';
import { runIfPossible, TargetFailed, type FailedRun } from './run-if-possible.ts';
import type { Sighting } from './search-result.ts';
import { CASES_AT_A_TIME, type SearchOptions } from './search.ts';

/** A case, shrunk as long as the same invariant breaks for the same cause. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly trace: Trace;
  readonly violation: Violation;
  /** The path by which fast-check finds the case again, as long as the generators do not change. */
  readonly path: string;
  readonly shrinks: number;
}

/**
 * Shrinks the first few cases of a sighting and returns the most realistic and smallest result. Every smaller case has to break
 * the same invariant for the same cause.
 *
 * @throws NotSeenAgain when none of the cases shows the fingerprint again, as may happen on a real VMM.
 * @throws TargetFailed with what `run` throws.
 */
export async function shrinkSighting(sighting: Sighting, options: SearchOptions): Promise<Shrunk> {
  const { seed, signal, attempts = 1 } = options;
  let best: Shrunk | undefined;
  for (const start of sighting.starts) {
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (signal?.aborted && best !== undefined) return best;
      const shrunk = await shrinkFrom(start, sighting, options);
      if (shrunk === undefined) continue;
      if (best === undefined || bySimplicity(shrunk.scenario, best.scenario) < 0) best = shrunk;
      break;
    }
  }
  if (best !== undefined) return best;
  const draws = sighting.starts.join(', ');
  const name = fingerprintText(sighting.fingerprint);
  throw new NotSeenAgain(
    `draws ${draws} of seed ${seed} showed ${name} in the search, but not when they were run again`,
  );
}

/** A case that broke an invariant in the search does not break it when it is run again. */
export class NotSeenAgain extends Error {
  override readonly name = 'NotSeenAgain';
}

/** Sorts cases: those that need less beyond a real machine first, and shorter ones before longer ones. */
const bySimplicity = (a: Scenario, b: Scenario): number => byRealism(a, b) || lengthOf(a) - lengthOf(b);

/** The length of the JSON text: of two cases, the shorter one is easier to read. */
const lengthOf = (scenario: Scenario): number => toJsonLine(encodeScenario(scenario)).length;

async function shrinkFrom(
  start: number,
  { fingerprint, known }: Sighting,
  options: SearchOptions,
): Promise<Shrunk | undefined> {
  const { run, scenarios, invariants, seed, signal, forgiven } = options;
  const invariant = invariants.find(({ id }) => id === fingerprint.invariant)!;
  let smallest: Pick<Shrunk, 'scenario' | 'trace' | 'violation'> | undefined;
  let tried = 0;
  let failed: FailedRun | undefined;
  const shows = async (scenario: Scenario): Promise<boolean> => {
    if (++tried % CASES_AT_A_TIME === 0) await new Promise(setImmediate);
    const result = await runIfPossible(run, scenario);
    if (result.kind === 'failed') failed ??= result;
    if (result.kind !== 'run') return false;
    const { trace } = result;
    const { violations } = examine(trace, invariant);
    const violation = violations.find(
      (other) => sameFingerprint(other, fingerprint) && forgiven?.(other, trace) === known,
    );
    if (violation !== undefined) smallest = { scenario: trace.scenario, trace, violation };
    return violation !== undefined;
  };
  const holds = async (draw: Draw): Promise<boolean> => {
    // When the search is ended, the smallest case so far is kept: every smaller one counts as one that holds.
    if (failed !== undefined || (signal?.aborted && smallest !== undefined)) return true;
    for (const scenario of lanesOf(draw).flat()) if (await shows(scenario)) return false;
    return true;
  };
  const { counterexamplePath, numShrinks } = await fc.check(fc.asyncProperty(anyOf(scenarios), holds), {
    seed,
    path: String(start),
    numRuns: 1,
  });
  const { scenario, error } = (failed as FailedRun | undefined) ?? {};
  if (scenario !== undefined) throw new TargetFailed(scenario, error);
  if (smallest === undefined) return undefined;
  return { ...smallest, path: counterexamplePath ?? String(start), shrinks: numShrinks };
}
