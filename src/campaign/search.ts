import * as fc from 'fast-check';
import {
  FingerprintMap,
  examine,
  examineAll,
  fingerprintText,
  sameFingerprint,
  type Fingerprint,
  type Invariant,
  type Violation,
} from '../invariants/index.ts';
import { encodeScenario, toJsonLine, type Scenario } from '../scenario/index.ts';
import { lanesOf, type Draw } from './draw.ts';
import { Interrupted } from './interruptible.ts';
import { NotRunnable, type Trace } from '../trace/index.ts';
import type { RunScenario } from './run-scenario.ts';

/** The arbitrary that a search draws from: single scenarios, or lanes of them. */
export type Scenarios = fc.Arbitrary<Scenario> | fc.Arbitrary<Exclude<Draw, Scenario>>;

/** What a search runs, and how much. */
export interface SearchOptions {
  readonly run: RunScenario;
  readonly scenarios: Scenarios;
  readonly invariants: readonly Invariant[];
  /** The integer seed of fast-check. */
  readonly seed: number;
  /** Number of cases. */
  readonly runs: number;
  /** Called every 250 cases, or after every draw of lanes, with the number of cases done. */
  readonly onProgress?: (cases: number, findings: number) => void;
  /** Called for the first case of every fingerprint, before the next case runs. */
  readonly onSighting?: (sighting: Sighting, scenario: Scenario, trace: Trace, violation: Violation) => void;
  /** From how many of the cases that show a fingerprint shrinking starts; 3 when left out. */
  readonly starts?: number;
  /**
   * How often a case may be run until it shows its fingerprint again, so that shrinking can start; once when
   * left out.
   */
  readonly attempts?: number;
  /** Ends the search after the current case. */
  readonly signal?: AbortSignal;
}

/** The first case that shows a fingerprint. */
export interface Sighting {
  readonly fingerprint: Fingerprint;
  /** Number of the first case that shows it, from 0. */
  readonly run: number;
  /** Number of cases that show it. */
  cases: number;
  /** Numbers of the first draws that show it, from 0: shrinking starts from them. */
  readonly starts: number[];
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

/** Shrinking stops at a local minimum: the best of a few starts is smaller than the result of one start. */
const DEFAULT_STARTS = 3;

/** After so many cases the event loop gets its turn, so that a signal can end the search. */
const CASES_AT_A_TIME = 250;

/** The target threw an exception that says nothing about the scenario. */
export class TargetFailed extends Error {
  override readonly name = 'TargetFailed';
  /** What the search had found before; nothing where a single case was run. */
  readonly result: SearchResult | undefined;

  /** @param scenario the case that led to the exception. */
  constructor(scenario: Scenario, cause: unknown, result?: SearchResult) {
    super(`the case ${toJsonLine(encodeScenario(scenario))} could not be run`, { cause });
    this.result = result;
  }
}

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
  const sightings = new FingerprintMap<Sighting>();
  const lastShownBy = new FingerprintMap<number>();
  const exercised = new Map<string, number>(invariants.map(({ id }) => [id, 0]));
  const outcomes = new Map<Trace['outcome'], number>();
  const notRun = new Map<string, number>();
  let cases = 0;
  let draws = 0;
  let failed: FailedRun | undefined;
  const note = (trace: Trace, violation: Violation): void => {
    const known = sightings.get(violation);
    if (known !== undefined) {
      if (lastShownBy.get(violation) === cases) return;
      lastShownBy.set(violation, cases);
      known.cases++;
      if (known.starts.length < starts && known.starts.at(-1) !== draws) known.starts.push(draws);
      return;
    }
    const { invariant, cause } = violation;
    const sighting: Sighting = {
      fingerprint: { invariant, cause },
      run: cases,
      cases: 1,
      starts: [draws],
    };
    sightings.set(violation, sighting);
    lastShownBy.set(violation, cases);
    // A target may run a variant of the scenario; the trace holds the variant.
    onSighting?.(sighting, trace.scenario, trace, violation);
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
  const result = { sightings: sightings.values(), cases, exercised, notRun, outcomes };
  const { scenario, error } = (failed as FailedRun | undefined) ?? {};
  if (scenario !== undefined) throw new TargetFailed(scenario, error, result);
  return result;
}

/** The same arbitrary with the element types joined: fast-check's types do not accept a union of arbitraries. */
const anyOf = (scenarios: Scenarios): fc.Arbitrary<Draw> => scenarios;

interface FailedRun {
  readonly kind: 'failed';
  readonly scenario: Scenario;
  readonly error: unknown;
}

/** The trace of a scenario, the reason why the target cannot run the scenario, or what came between. */
type Result =
  | { readonly kind: 'run'; readonly trace: Trace }
  | { readonly kind: 'not-run'; readonly reason: string }
  | { readonly kind: 'interrupted' }
  | FailedRun;

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

async function runIfPossible(run: RunScenario, scenario: Scenario): Promise<Result> {
  try {
    const running = run(scenario);
    return { kind: 'run', trace: running instanceof Promise ? await running : running };
  } catch (error) {
    if (error instanceof NotRunnable) return { kind: 'not-run', reason: error.reason };
    return error instanceof Interrupted ? { kind: 'interrupted' } : { kind: 'failed', scenario, error };
  }
}

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
 * Shrinks the first few cases of a sighting and returns the smallest result. Every smaller case has to break
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
      const shrunk = await shrinkFrom(start, sighting.fingerprint, options);
      if (shrunk === undefined) continue;
      if (best === undefined || lengthOf(shrunk.scenario) < lengthOf(best.scenario)) best = shrunk;
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

/** The length of the JSON text: of two cases, the shorter one is easier to read. */
const lengthOf = (scenario: Scenario): number => toJsonLine(encodeScenario(scenario)).length;

async function shrinkFrom(
  start: number,
  fingerprint: Fingerprint,
  options: SearchOptions,
): Promise<Shrunk | undefined> {
  const { run, scenarios, invariants, seed, signal } = options;
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
    const violation = violations.find((other) => sameFingerprint(other, fingerprint));
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
