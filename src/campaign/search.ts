import * as fc from 'fast-check';
import { examineAll, fingerprintText, type Invariant, type Violation } from '../invariants/index.ts';
import { isRealistic, type Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { anyOf, lanesOf, type Draw, type Scenarios } from './draw.ts';
import { runIfPossible, TargetFailed, type FailedRun, type Result } from './run-if-possible.ts';
import type { RunScenario } from './run-scenario.ts';
import type { SearchResult, Sighting } from './search-result.ts';

/** What a search runs, and how much. */
export interface SearchOptions {
  readonly run: RunScenario;
  readonly scenarios: Scenarios;
  readonly invariants: readonly Invariant[];
  /** The integer seed of fast-check. */
  readonly seed: number;
  /** Number of cases. */
  readonly runs: number;
  /**
   * The file of the known finding that explains a violation, or `undefined`. A violation that none explains is a
   * finding of its own, even if another of the same cause is known.
   */
  readonly forgiven?: (violation: Violation, trace: Trace) => string | undefined;
  /** Called every 250 cases, or after every draw of lanes, with the number of cases done. */
  readonly onProgress?: (cases: number, findings: number) => void;
  /** Called for the first case of every fingerprint, before the next case runs. */
  readonly onSighting?: (sighting: Sighting, scenario: Scenario, trace: Trace, violation: Violation) => void;
  /**
   * From how many of the cases that show a fingerprint shrinking starts; 3 when left out. If none of these is realistic,
   * the first realistic case that shows the fingerprint is one more.
   */
  readonly starts?: number;
  /**
   * How often a case may be run until it shows its fingerprint again, so that shrinking can start; once when
   * left out.
   */
  readonly attempts?: number;
  /** Ends the search after the current case. */
  readonly signal?: AbortSignal;
}

/** Shrinking stops at a local minimum: the best of a few starts is smaller than the result of one start. */
const DEFAULT_STARTS = 3;

/** After so many cases the event loop gets its turn, so that a signal can end the search. */
export const CASES_AT_A_TIME = 250;

/** Thrown to stop fast-check, which stops only at a case that fails. */
const ENDED = new Error('the search was ended');

/**
 * Runs generated scenarios and notes the fingerprint of every violation.
 *
 * @throws TargetFailed with what `run` throws, except `NotRunnable`, which is counted in `notRun`, and `Interrupted`,
 *   which ends the search.
 */
export async function search(options: SearchOptions): Promise<SearchResult> {
  const { scenarios, invariants, seed, runs, signal, onProgress, onSighting } = options;
  const { starts = DEFAULT_STARTS } = options;
  const sightings = new Map<string, Sighting>();
  const lastShownBy = new Map<string, number>();
  const exercised = new Map<string, number>(invariants.map(({ id }) => [id, 0]));
  const outcomes = new Map<Trace['outcome'], number>();
  const notRun = new Map<string, number>();
  let cases = 0;
  let draws = 0;
  let failed: FailedRun | undefined;
  const note = (trace: Trace, violation: Violation): void => {
    const known = options.forgiven?.(violation, trace);
    const key = `${fingerprintText(violation)} ${known ?? ''}`;
    const before = sightings.get(key);
    if (before !== undefined) {
      if (lastShownBy.get(key) === cases) return;
      lastShownBy.set(key, cases);
      before.cases++;
      noteStart(before, trace.scenario);
      return;
    }
    const { invariant, cause } = violation;
    const sighting: Sighting = {
      fingerprint: { invariant, cause },
      known,
      run: cases,
      cases: 1,
      starts: [draws],
      hasRealisticStart: isRealistic(trace.scenario),
    };
    sightings.set(key, sighting);
    lastShownBy.set(key, cases);
    // A target may run a variant of the scenario; the trace holds the variant.
    onSighting?.(sighting, trace.scenario, trace, violation);
  };
  const noteStart = (sighting: Sighting, scenario: Scenario): void => {
    if (sighting.hasRealisticStart && sighting.starts.length >= starts) return;
    const realistic = isRealistic(scenario);
    if (sighting.starts.length >= starts && !realistic) return;
    if (sighting.starts.at(-1) !== draws) sighting.starts.push(draws);
    sighting.hasRealisticStart ||= realistic;
  };
  const judge = async (draw: Draw): Promise<void> => {
    if (signal?.aborted || cases >= runs) throw ENDED;
    const before = cases;
    for (const result of await runDraw(draw, runs - cases, options)) {
      if (result.kind === 'failed') failed ??= result;
      if (result.kind === 'failed' || result.kind === 'interrupted') continue;
      if (result.kind === 'run') look(result.trace);
      else notRun.set(result.reason, (notRun.get(result.reason) ?? 0) + 1);
      cases++;
    }
    if (failed !== undefined) throw ENDED;
    draws++;
    // Only the model, which draws single scenarios, is too fast for a report after every draw.
    const often = 'devices' in draw ? CASES_AT_A_TIME : 1;
    if (Math.floor(cases / often) === Math.floor(before / often)) return;
    onProgress?.(cases, sightings.size);
    await new Promise(setImmediate);
  };
  const look = (trace: Trace): void => {
    outcomes.set(trace.outcome, (outcomes.get(trace.outcome) ?? 0) + 1);
    const examinations = examineAll(trace, invariants);
    for (let index = 0; index < invariants.length; index++) {
      const { exercised: times, violations } = examinations[index]!;
      const { id } = invariants[index]!;
      if (times > 0) exercised.set(id, exercised.get(id)! + 1);
      for (const violation of violations) note(trace, violation);
    }
  };
  try {
    await fc.assert(fc.asyncProperty(anyOf(scenarios), judge), {
      seed,
      numRuns: runs,
      endOnFailure: true,
    });
  } catch (error) {
    const { cause } = error as Error;
    if (cause !== ENDED) throw cause ?? error;
  }
  const result = { sightings: [...sightings.values()], cases, exercised, notRun, outcomes };
  const { scenario, error } = (failed as FailedRun | undefined) ?? {};
  if (scenario !== undefined) throw new TargetFailed(scenario, error, result);
  return result;
}

/** Runs the first `limit` scenarios of a draw, until the search is ended. Results are in the order of the draw. */
async function runDraw(
  draw: Draw,
  limit: number,
  { run, signal }: SearchOptions,
): Promise<readonly Result[]> {
  // The model needs no lanes: a single scenario runs at once.
  if ('devices' in draw) return [await runIfPossible(run, draw)];
  const runLane = async (lane: readonly Scenario[]): Promise<readonly Result[]> => {
    const results: Result[] = [];
    for (const scenario of lane) {
      if (signal?.aborted || results.at(-1)?.kind === 'failed') break;
      results.push(await runIfPossible(run, scenario));
    }
    return results;
  };
  return (await Promise.all(lanesOf(draw, limit).map(runLane))).flat();
}
