import {
  INVARIANT_IDS,
  fingerprintText,
  sameFingerprint,
  violationsOf,
  type Invariant,
  type InvariantId,
  type Violation,
} from '../invariants/index.ts';
import { byRealism, type Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { deriveSeed } from './derive-seed.ts';
import type { CampaignListener, CampaignSummary } from './events.ts';
import { Failure } from './failure.ts';
import { findingOf, type Finding } from './finding.ts';
import { forgivenBy, saidOfKnown } from './forgiven-by.ts';
import type { StoredRegression } from './regression-store.ts';
import { saveFinding, type SaveOptions } from './save-finding.ts';
import { interruptible } from './interruptible.ts';
import type { RunScenario } from './run-scenario.ts';
import type { Scenarios } from './draw.ts';
import { TargetFailed } from './run-if-possible.ts';
import type { SearchResult, Sighting } from './search-result.ts';
import { search, type SearchOptions } from './search.ts';
import { NotSeenAgain, shrinkSighting } from './shrink-sighting.ts';

/** What a check runs, judges and stores. */
export interface CheckOptions extends SaveOptions {
  /** Runs a scenario on the revision of the plan; the revision that the scenario names is ignored. */
  readonly run: RunScenario;
  readonly scenarios: Scenarios;
  readonly invariants: readonly Invariant[];
  /** Stored cases that the target can run. They run first and do not count as generated cases. */
  readonly regressions: readonly StoredRegression[];
  /** Cases of findings that are known of the revision and not reported as new. */
  readonly known: readonly StoredRegression[];
  readonly listener: CampaignListener;
  /**
   * How often a shrunk case is run again to measure its stability; never when left out. On a real VMM a
   * finding may depend on timing.
   */
  readonly repetitions?: number;
  /** From how many cases the shrinking of a finding starts; see `SearchOptions.starts`. */
  readonly starts?: number;
  /** Ends the search early; the check reports the findings so far. */
  readonly signal?: AbortSignal;
}

/**
 * Replays the stored cases, searches, shrinks what fails and stores it. The search does not depend on what
 * is stored: the same seed gives the same cases and the same findings.
 *
 * @throws what `run` throws, after the listener has received the findings so far.
 */
export async function check(given: CheckOptions): Promise<CampaignSummary> {
  const options = { ...given, run: interruptible(given.run, given.signal), failure: new Failure() };
  const { plan, listener, failure } = options;
  listener({ type: 'started', plan });
  const replayed = await replayRegressions(options);
  const { findings: found, ...searched } = await searchAndShrink(options);
  const seen = new Set(found.map(keyOf));
  const all = [...found, ...replayed.filter((finding) => !seen.has(keyOf(finding)))];
  const byRank = all
    .toSorted((a, b) => rank(a) - rank(b) || byRealism(a.scenario, b.scenario) || b.cases - a.cases)
    .map((finding) => ({ ...finding, ...saidOfKnown(options.known, finding) }));
  const findings = byRank.filter(({ known }) => known === undefined);
  const known = byRank.filter((finding) => finding.known !== undefined);
  for (const [index, finding] of findings.entries()) {
    listener({ type: 'finding', finding, number: index + 1, revision: plan.revision });
  }
  const holds = !findings.some(({ severity }) => severity === 'error');
  const { unsaved } = failure;
  const summary: CampaignSummary = { plan, findings, known, ...searched, holds, unsaved };
  listener({ type: 'finished', summary });
  if (failure.first !== undefined) throw failure.first.error;
  return summary;
}

type Checking = CheckOptions & { readonly failure: Failure };

/** A finding that a known one explains and a finding of the same cause that none explains are two. */
const keyOf = ({ invariant, cause, known }: Pick<Finding, 'invariant' | 'cause' | 'known'>): string =>
  `${fingerprintText({ invariant, cause })} ${known ?? ''}`;

/** Sorts errors before warnings, and each of them in the order of the invariants. */
const rank = ({ severity, invariant }: Finding): number =>
  (severity === 'error' ? 0 : INVARIANT_IDS.length + 1) + placeInReport(invariant);

/** The place of an invariant among barproof's; those of the user come last. */
function placeInReport(id: InvariantId): number {
  const place = (INVARIANT_IDS as readonly string[]).indexOf(id);
  return place === -1 ? INVARIANT_IDS.length : place;
}

/** The findings that stored cases show on this revision: one for each fingerprint. */
async function replayRegressions(options: Checking): Promise<readonly Finding[]> {
  const { regressions, run, invariants, failure } = options;
  // A finding names the file that was stored for its fingerprint; another file only if there is no such file.
  const fromOwnFile = new Map<string, Finding>();
  const fromOtherFile = new Map<string, Finding>();
  for (const { file, regression } of regressions) {
    const { scenario } = regression;
    let trace: Trace;
    try {
      trace = await run(scenario);
    } catch (error) {
      failure.note(error);
      break;
    }
    const origin = { kind: 'regression', stored: scenario.revision } as const;
    for (const violation of violationsOf(trace, invariants)) {
      const { invariant, cause } = violation;
      const isOwn = invariant === regression.invariant && cause === regression.cause;
      const found = isOwn ? fromOwnFile : fromOtherFile;
      const known = forgivenBy(options.known, violation, trace);
      const key = keyOf({ invariant, cause, known });
      if (found.has(key)) continue;
      found.set(key, {
        ...findingOf(trace, violation),
        known,
        scenario,
        origin,
        file,
      });
    }
  }
  for (const [key, finding] of fromOwnFile) fromOtherFile.set(key, finding);
  return [...fromOtherFile.values()];
}

/**
 * Looks for new findings. Each is stored when it is first seen and again when it is shrunk, so that an
 * interrupted check loses no finding.
 */
async function searchAndShrink(options: Checking) {
  const { plan, listener, signal, failure } = options;
  const firstSeen = new Map<Sighting, Finding>();
  const searching: SearchOptions = {
    run: options.run,
    scenarios: options.scenarios,
    invariants: options.invariants,
    seed: deriveSeed(plan.seed, `check ${plan.revision}`),
    runs: plan.runs,
    forgiven: (violation, trace) => forgivenBy(options.known, violation, trace),
    ...(signal && { signal }),
    ...(options.starts !== undefined && { starts: options.starts }),
    ...(options.repetitions !== undefined && { attempts: options.repetitions }),
    onProgress: (cases, findings) => listener({ type: 'progress', cases, runs: plan.runs, findings }),
    onSighting: (sighting, scenario, trace, violation) => {
      const finding = makeFinding(sighting, searching.seed, {
        scenario,
        trace,
        violation,
        path: String(sighting.starts[0]),
        shrinks: 0,
      });
      // What fails here fails again for the shrunk case, and is told then.
      firstSeen.set(sighting, save(finding, { ...options, failure: new Failure() }));
      if (finding.known === undefined)
        listener({ type: 'sighted', fingerprint: sighting.fingerprint, run: sighting.run });
    },
  };
  const { sightings, ...searched } = !failure.stopped
    ? await searchUntilFailure(searching, failure)
    : nothingSearched(options);
  const findings: Finding[] = [];
  for (const sighting of sightings) {
    const seen = firstSeen.get(sighting)!;
    // A known finding comes with its smallest case.
    if (seen.known !== undefined) {
      findings.push({ ...seen, cases: sighting.cases });
      continue;
    }
    listener({ type: 'shrinking', fingerprint: sighting.fingerprint });
    const smallest = await shrinkSeen(sighting, seen, searching, options);
    const finding = await repeat(smallest, options);
    findings.push(save(finding, options, seen.file));
  }
  return { findings, ...searched };
}

/**
 * Stores a finding. A finding that cannot be stored is reported all the same.
 *
 * @param unshrunk the file in which this check stored the case before shrinking; undefined without such a file.
 * @returns the finding with its file.
 */
function save(finding: Finding, options: Checking, unshrunk?: string): Finding {
  try {
    const file = saveFinding(finding, options, unshrunk);
    if (unshrunk !== undefined && unshrunk !== file) options.store?.remove(unshrunk);
    return { ...finding, file };
  } catch (error) {
    options.failure.noteUnsaved(error);
    return { ...finding, file: unshrunk };
  }
}

/** The finding, shrunk; the finding as it was first seen if a real VMM does not show it again. */
async function shrinkSeen(
  sighting: Sighting,
  seen: Finding,
  searching: SearchOptions,
  options: Checking,
): Promise<Finding> {
  const { failure, signal, repetitions } = options;
  const unshrunk = { ...seen, cases: sighting.cases };
  if (signal?.aborted || failure.stopped) return unshrunk;
  try {
    return makeFinding(sighting, searching.seed, await shrinkSighting(sighting, searching));
  } catch (error) {
    // The model does not depend on timing: there, a finding that is not seen again is a fault of barproof.
    if (!(error instanceof NotSeenAgain) || repetitions === undefined) failure.note(error);
    return unshrunk;
  }
}

/**
 * Runs the case of a finding `repetitions` times more, and notes how often the finding shows. The interrupt of the user
 * ends the repetitions.
 */
async function repeat(finding: Finding, options: Checking): Promise<Finding> {
  const { run, repetitions = 0, invariants, signal, failure } = options;
  let shown = 0;
  let of = 0;
  try {
    for (let turn = 0; turn < repetitions; turn++) {
      if (signal?.aborted || failure.stopped) break;
      const trace = await run(finding.scenario);
      of++;
      const isShown = violationsOf(trace, invariants).some(
        (violation) =>
          sameFingerprint(violation, finding) &&
          forgivenBy(options.known, violation, trace) === finding.known,
      );
      if (isShown) shown++;
    }
  } catch (error) {
    failure.note(error);
  }
  return of === 0 ? finding : { ...finding, stability: { shown, of } };
}

/** The result of a search, as far as the search came. */
async function searchUntilFailure(searching: SearchOptions, failure: Failure): Promise<SearchResult> {
  try {
    return await search(searching);
  } catch (error) {
    if (!(error instanceof TargetFailed) || error.result === undefined) throw error;
    failure.note(error);
    return error.result;
  }
}

/** The result of a search that did not begin. */
const nothingSearched = ({ invariants }: CheckOptions): SearchResult => ({
  sightings: [],
  cases: 0,
  exercised: new Map(invariants.map(({ id }) => [id, 0])),
  notRun: new Map(),
  outcomes: new Map(),
});

interface ShownCase {
  readonly scenario: Scenario;
  readonly trace: Trace;
  readonly violation: Violation;
  readonly path: string;
  readonly shrinks: number;
}

function makeFinding(
  { cases, run, known }: Sighting,
  seed: number,
  { scenario, trace, violation, path, shrinks }: ShownCase,
): Finding {
  const origin = { kind: 'search', run, seed, path, shrinks } as const;
  return { ...findingOf(trace, violation), known, scenario, cases, origin };
}
