import * as fc from 'fast-check';
import { FingerprintMap, type Fingerprint, type Invariant, type InvariantId } from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Outcome, Trace } from '../trace/index.ts';
import { CostTally, type Cost } from './cost.ts';
import { compareOn, type Difference, type Sides } from './difference.ts';
import { requestBehind, requestsIn, type RequestKind } from './requests.ts';
import { runAll, type RunSides } from './run-both.ts';
import { inTurns } from './surroundings.ts';

/** When a comparison has seen enough. In generated cases, counted in hundreds. */
export interface Patience {
  /** So many cases in a row without a new difference end a comparison in which the patch breaks something. */
  readonly afterNews: number;
  /** So many cases, and as many as `afterNews` in a row, end one in which the patch breaks nothing. */
  readonly withoutBreak: number;
}

/** The two sides of a comparison, the scenarios to run on both, and the invariants to check. */
export interface CompareOptions {
  /** Runs a scenario on either side; the revision that the scenario names is ignored. */
  readonly run: RunSides;
  readonly invariants: readonly Invariant[];
  /** Cases that run before the generated ones. */
  readonly stored: readonly Scenario[];
  readonly scenarios: fc.Arbitrary<Scenario>;
  /**
   * Lists to generate in place of single scenarios, where a target is faster on scenarios that share machine, host or
   * devices. The first scenarios of all lists of a draw come first, then the second ones.
   */
  readonly draws?: fc.Arbitrary<readonly (readonly Scenario[])[]> | undefined;
  /** The integer seed of fast-check. */
  readonly seed: number;
  /** Number of generated cases; the largest number if `patience` ends the comparison earlier. */
  readonly runs: number;
  readonly patience?: Patience;
  /** Chooses more cases after those asked for, by what these came to; asked until it gives none. */
  readonly further?: (() => Promise<readonly Scenario[]>) | undefined;
  /** Called with the number of cases done: about five times a second, or after every case on a real VMM. */
  readonly onProgress?: (cases: number) => void;
  /** How many cases run at a time on sides that return promises; 1 when left out. */
  readonly lanes?: number | undefined;
  /** Ends the comparison early; checked as often as `onProgress` is called. */
  readonly signal?: AbortSignal;
}

/** In how many cases an invariant breaks for one cause, by the difference between the sides. */
export interface CauseTally extends Fingerprint {
  /** Number of cases by their difference; a case counts once. */
  readonly cases: Record<Difference, number>;
  /** The first cases of each difference, at most `MOST_FIRST`. */
  readonly first: Partial<Record<Difference, Scenario[]>>;
  /**
   * The fixed cases by the kind of request without which the base could not show the cause; `undefined` where it needs
   * none.
   */
  readonly fixedBy: Map<RequestKind | undefined, { cases: number; readonly first: Scenario[] }>;
}

/** The result of a comparison. */
export interface Comparison {
  /** Number of cases run, the stored ones included. */
  readonly cases: number;
  /** The causes by fingerprint, in the order in which they were first seen. */
  readonly causes: FingerprintMap<CauseTally>;
  /** For each invariant, the number of cases to which the invariant applied on each side. */
  readonly exercised: ReadonlyMap<InvariantId, Sides<number>>;
  /** Number of cases by the outcomes of both sides. */
  readonly outcomes: ReadonlyMap<OutcomePair, number>;
  /** The kinds of request that the host grants the base in some case, and the patched side in none. */
  readonly unreached: readonly RequestKind[];
  /** Number of cases in which each side completed the start of its machine, and why it did not in the last other case. */
  readonly started: Sides<{ cases: number; error: string | undefined }>;
  /** Number of cases that a side could not run, by the reason. */
  readonly notRun: ReadonlyMap<string, number>;
  readonly cost: Cost;
}

/** The outcome of a case on the base and, after the space, on the patched side: `ok aborted`. */
export type OutcomePair = `${Outcome} ${Outcome}`;

const GENERATED_AT_A_TIME = 100;
/** The differences by which a patch breaks something. */
const BREAKS: readonly Difference[] = ['broken', 'swapped'];

/** Runs the same scenarios on both sides and counts where the sides differ. */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { run, invariants, signal, onProgress, lanes } = options;
  const causes = new FingerprintMap<CauseTally>();
  const exercised = new Map(invariants.map(({ id }) => [id, { base: 0, patched: 0 }]));
  const outcomes = new Map<OutcomePair, number>();
  const cost = new CostTally();
  const notRun = new Map<string, number>();
  const requests: Sides<Set<RequestKind>> = { base: new Set(), patched: new Set() };
  const started: Comparison['started'] = {
    base: { cases: 0, error: undefined },
    patched: { cases: 0, error: undefined },
  };
  let cases = 0;
  const news = { last: 0, breaks: false };

  const judge = (scenario: Scenario, traces: Sides<Trace>): void => {
    const ends: OutcomePair = `${traces.base.outcome} ${traces.patched.outcome}`;
    outcomes.set(ends, (outcomes.get(ends) ?? 0) + 1);
    cost.add(traces);
    for (const side of ['base', 'patched'] as const) {
      const trace = traces[side];
      for (const kind of requestsIn(trace)) requests[side].add(kind);
      if (trace.outcome === 'ok' || trace.steps.length > 1) started[side].cases++;
      else started[side].error = trace.error;
    }
    for (const invariant of invariants) {
      const { id } = invariant;
      const { exercised: times, differences } = compareOn(invariant, traces);
      const counts = exercised.get(id)!;
      if (times.base > 0) counts.base++;
      if (times.patched > 0) counts.patched++;
      for (const { fingerprint, difference, violations } of differences) {
        const tally = causes.get(fingerprint) ?? newTally(fingerprint);
        causes.set(fingerprint, tally);
        if (tally.cases[difference]++ === 0 && difference !== 'both') {
          news.last = cases;
          news.breaks ||= BREAKS.includes(difference);
        }
        addFirst((tally.first[difference] ??= []), scenario);
        if (difference !== 'fixed') continue;
        const request = requestBehind(violations.base!, traces.base);
        const fixed = tally.fixedBy.get(request) ?? { cases: 0, first: [] };
        fixed.cases++;
        addFirst(fixed.first, scenario);
        tally.fixedBy.set(request, fixed);
      }
    }
  };
  const visit = (scenario: Scenario, traces: Sides<Trace>): void => {
    cases++;
    judge(scenario, traces);
  };
  /** Whether the generated cases so far suffice. */
  const isEnough = (made: number): boolean => {
    const { patience, stored } = options;
    if (patience === undefined || made < (news.breaks ? patience.afterNews : patience.withoutBreak))
      return false;
    return made + stored.length - news.last >= patience.afterNews;
  };
  const watcher = {
    visit,
    between: () => onProgress?.(cases),
    notRunnable: (reason: string) => void notRun.set(reason, (notRun.get(reason) ?? 0) + 1),
    lanes,
    signal,
  };
  let more: Iterator<Scenario> = casesOf(options, isEnough);
  for (let isLast = false; !isLast;) {
    await runAll(more, run, watcher);
    const further = signal?.aborted ? [] : ((await options.further?.()) ?? []);
    isLast = further.length === 0;
    more = further.values();
  }
  const unreached = [...requests.base].filter((kind) => !requests.patched.has(kind));
  hideUnreached(causes, unreached, exercised);
  return { cases, causes, exercised, outcomes, unreached, started, notRun, cost: cost.sum() };
}

/**
 * Counts cases as hidden in place of fixed where the patched side never comes to the point: in no case does it make
 * the request, or does the invariant apply. A VMM without memslots has not mended what was wrong with them.
 */
function hideUnreached(
  causes: FingerprintMap<CauseTally>,
  unreached: readonly RequestKind[],
  exercised: Comparison['exercised'],
): void {
  for (const { invariant, cases, fixedBy, first } of causes.values()) {
    const isExercised = exercised.get(invariant)!.patched > 0;
    const isReached = (kind: RequestKind | undefined): boolean =>
      isExercised && (kind === undefined || !unreached.includes(kind));
    const reached = [...fixedBy].filter(([kind]) => isReached(kind)).map(([, fixed]) => fixed);
    const fixed = reached.reduce((sum, { cases: number }) => sum + number, 0);
    cases.hidden += cases.fixed - fixed;
    cases.fixed = fixed;
    if (reached[0] !== undefined) first.fixed = reached[0].first;
  }
}

/** The stored cases, then the generated cases, 100 at a time: there may be millions. */
function* casesOf(options: CompareOptions, isEnough: (made: number) => boolean): Generator<Scenario> {
  const { stored, runs } = options;
  yield* stored;
  for (let made = 0; made < runs; made += GENERATED_AT_A_TIME) {
    if (isEnough(made)) return;
    yield* generated(options, made, Math.min(GENERATED_AT_A_TIME, runs - made));
  }
}

/** The next generated cases. @param made how many there are before. */
function* generated({ scenarios, draws, seed }: CompareOptions, made: number, count: number) {
  if (draws === undefined) return yield* fc.sample(scenarios, { seed: seed + made, numRuns: count });
  let left = count;
  for (let draw = 0; left > 0; draw++) {
    const [lists] = fc.sample(draws, { seed: seed + made + draw, numRuns: 1 });
    const cases = inTurns(lists!).slice(0, left);
    left -= cases.length;
    yield* cases;
  }
}

/** How many cases of a difference are kept: on a real VMM the first one may have been by chance. */
const MOST_FIRST = 3;

function addFirst(cases: Scenario[], scenario: Scenario): void {
  if (cases.length < MOST_FIRST) cases.push(scenario);
}

const newTally = (fingerprint: Fingerprint): CauseTally => ({
  ...fingerprint,
  cases: { both: 0, fixed: 0, hidden: 0, broken: 0, swapped: 0, uncovered: 0 },
  first: {},
  fixedBy: new Map(),
});
