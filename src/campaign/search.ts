import * as fc from 'fast-check';
import {
  FingerprintMap,
  examine,
  fingerprintText,
  sameFingerprint,
  type Fingerprint,
  type Invariant,
  type Violation,
} from '../invariants/index.ts';
import { encodeScenario, toJsonLine, type Scenario } from '../scenario/index.ts';
import { lanesOf, type Draw } from './draw.ts';
import { NotRunnable, type Trace } from '../trace/index.ts';

/** Runs a scenario: the model at once, a real VMM in its own time. */
export type RunScenario = (scenario: Scenario) => Trace | Promise<Trace>;

/** Where scenarios come from, one at a time or many. */
export type Scenarios = fc.Arbitrary<Scenario> | fc.Arbitrary<Exclude<Draw, Scenario>>;

/** What a search looks through and how far. */
export interface SearchOptions {
  readonly run: RunScenario;
  readonly scenarios: Scenarios;
  readonly invariants: readonly Invariant[];
  /** The integer that generation starts from. */
  readonly seed: number;
  /** How many cases. */
  readonly runs: number;
  /** Called every so many cases, or after every draw of lanes, with the number done. */
  readonly onProgress?: (cases: number, findings: number) => void;
  /** Called for the first case of every fingerprint, before the search goes on. */
  readonly onSighting?: (sighting: Sighting, scenario: Scenario, trace: Trace, violation: Violation) => void;
  /** From how many of the cases that show a fingerprint shrinking starts; a few when left out. */
  readonly starts?: number;
  /** How often a case is run until it shows again what it has shown, and shrinking can start; once when left out. */
  readonly attempts?: number;
  /** Ends the search after the case at hand. */
  readonly signal?: AbortSignal;
}

/** The first case that shows a fingerprint. */
export interface Sighting {
  readonly fingerprint: Fingerprint;
  /** Number of the case, from 0. */
  readonly run: number;
  /** How many cases show it. */
  cases: number;
  /** The first few draws that show it, by their numbers: where shrinking starts from. */
  readonly starts: number[];
}

/** What a search has seen. */
export interface SearchResult {
  readonly sightings: readonly Sighting[];
  /** How many cases were run: all, unless the search was ended. */
  readonly cases: number;
  /** For each invariant, how many cases it had something to say about. */
  readonly exercised: ReadonlyMap<string, number>;
  /** How many cases the target could not be asked to run, by the reason. */
  readonly notRun: ReadonlyMap<string, number>;
  /** How the runs ended. */
  readonly outcomes: ReadonlyMap<Trace['outcome'], number>;
}

/** Shrinking ends in the nearest dead end: from a few starts one finds a smaller case than from one. */
const MOST_STARTS = 3;

/** How many cases go by between two looks at the rest of the world. */
const CASES_AT_A_TIME = 250;

/** What makes fast-check stop: it knows no other way than a case that fails. */
const ENDED = new Error('the search was ended');

/** Runs generated scenarios and notes every way in which an invariant breaks. */
export async function search(options: SearchOptions): Promise<SearchResult> {
  const { scenarios, invariants, seed, runs, signal, onProgress, onSighting } = options;
  const { starts = MOST_STARTS } = options;
  const sightings = new FingerprintMap<Sighting>();
  const lastShownBy = new FingerprintMap<number>();
  const exercised = new Map<string, number>(invariants.map(({ id }) => [id, 0]));
  const outcomes = new Map<Trace['outcome'], number>();
  const notRun = new Map<string, number>();
  let cases = 0;
  let draws = 0;
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
    // A target may carry out a variant of what it was given, and says so.
    onSighting?.(sighting, trace.scenario, trace, violation);
  };
  const judge = async (draw: Draw): Promise<void> => {
    if (signal?.aborted || cases >= runs) throw ENDED;
    const before = cases;
    for (const { trace, reason } of await runDraw(draw, runs - cases, options)) {
      if (trace !== undefined) look(trace);
      if (reason !== undefined) notRun.set(reason, (notRun.get(reason) ?? 0) + 1);
      cases++;
    }
    draws++;
    // Lanes take their time.
    const often = 'devices' in draw ? CASES_AT_A_TIME : 1;
    if (Math.floor(cases / often) === Math.floor(before / often)) return;
    onProgress?.(cases, sightings.size);
    await new Promise(setImmediate);
  };
  const look = (trace: Trace): void => {
    outcomes.set(trace.outcome, (outcomes.get(trace.outcome) ?? 0) + 1);
    for (const invariant of invariants) {
      const { exercised: times, violations } = examine(trace, invariant);
      if (times > 0) exercised.set(invariant.id, exercised.get(invariant.id)! + 1);
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
    if ((error as Error).cause !== ENDED) throw error;
  }
  return { sightings: sightings.values(), cases, exercised, notRun, outcomes };
}

/** fast-check does not look into unions. */
const anyOf = (scenarios: Scenarios): fc.Arbitrary<Draw> => scenarios;

/** What came of a scenario: a trace, or the reason why the target cannot be asked to run it. */
type Result =
  | { readonly trace: Trace; readonly reason?: undefined }
  | { readonly trace?: undefined; readonly reason: string };

/** Runs the scenarios of a draw, until the search is ended; their results are in their own order. */
async function runDraw(draw: Draw, most: number, { run, signal }: SearchOptions): Promise<readonly Result[]> {
  // The model answers at once: no need to wait for other lanes.
  if ('devices' in draw) return [await runIfPossible(run, draw)];
  const runLane = async (lane: readonly Scenario[]): Promise<readonly Result[]> => {
    const results: Result[] = [];
    for (const scenario of lane) {
      if (signal?.aborted) break;
      results.push(await runIfPossible(run, scenario));
    }
    return results;
  };
  const lanes = await Promise.allSettled(lanesOf(draw, most).map(runLane));
  return lanes.flatMap((lane) => {
    if (lane.status === 'rejected') throw lane.reason;
    return lane.value;
  });
}

async function runIfPossible(run: RunScenario, scenario: Scenario): Promise<Result> {
  try {
    const running = run(scenario);
    return { trace: running instanceof Promise ? await running : running };
  } catch (error) {
    if (!(error instanceof NotRunnable)) throw error;
    return { reason: error.reason };
  }
}

/** A case made as small as it gets while it still breaks in the same way. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly trace: Trace;
  readonly violation: Violation;
  /** Where fast-check finds it again: replays as long as the generators stay as they are. */
  readonly path: string;
  readonly shrinks: number;
}

/**
 * Shrinks the first few cases of a sighting and gives the smallest that comes of them. The same
 * invariant has to break for the same cause all the way.
 *
 * @throws NotSeenAgain when none of them shows it any more: on a real VMM that happens.
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
  throw new NotSeenAgain(`draw ${draws} of seed ${seed} does not show ${name} a second time`);
}

/** What a search has seen does not show again, although nothing but the moment is another. */
export class NotSeenAgain extends Error {
  override readonly name = 'NotSeenAgain';
}

/** How much there is to read. */
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
  const shows = async (scenario: Scenario): Promise<boolean> => {
    if (++tried % CASES_AT_A_TIME === 0) await new Promise(setImmediate);
    const { trace } = await runIfPossible(run, scenario);
    if (trace === undefined) return false;
    const { violations } = examine(trace, invariant);
    const violation = violations.find((other) => sameFingerprint(other, fingerprint));
    if (violation !== undefined) smallest = { scenario: trace.scenario, trace, violation };
    return violation !== undefined;
  };
  const holds = async (draw: Draw): Promise<boolean> => {
    // Once the first case is confirmed, an ended search takes every smaller one for one that holds.
    if (signal?.aborted && smallest !== undefined) return true;
    for (const scenario of lanesOf(draw).flat()) if (await shows(scenario)) return false;
    return true;
  };
  const { counterexamplePath, numShrinks } = await fc.check(fc.asyncProperty(anyOf(scenarios), holds), {
    seed,
    path: String(start),
    numRuns: 1,
  });
  if (smallest === undefined) return undefined;
  return { ...smallest, path: counterexamplePath ?? String(start), shrinks: numShrinks };
}
