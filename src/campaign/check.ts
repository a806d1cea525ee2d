import {
  FingerprintMap,
  FingerprintSet,
  INVARIANT_IDS,
  sameFingerprint,
  violationsOf,
  type Invariant,
  type Violation,
} from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { deriveSeed } from './derive-seed.ts';
import type { CampaignListener, CampaignSummary } from './events.ts';
import { findingOf, type Finding } from './finding.ts';
import type { StoredRegression } from './regression-store.ts';
import { saveFinding, type SaveOptions } from './save-finding.ts';
import {
  NotSeenAgain,
  search,
  shrinkSighting,
  type RunScenario,
  type Scenarios,
  type SearchOptions,
  type Sighting,
} from './search.ts';

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
 */
export async function check(options: CheckOptions): Promise<CampaignSummary> {
  const { plan, listener } = options;
  listener({ type: 'started', plan });
  const replayed = await replayRegressions(options);
  const { findings: found, ...searched } = await searchAndShrink(options);
  const seen = new FingerprintSet(found);
  const all = [...found, ...replayed.filter((finding) => !seen.has(finding))];
  const byRank = all.toSorted((a, b) => rank(a) - rank(b) || b.cases - a.cases);
  const findings = byRank.filter(({ known }) => known === undefined);
  const known = byRank.filter((finding) => finding.known !== undefined);
  for (const [index, finding] of findings.entries()) {
    listener({ type: 'finding', finding, number: index + 1, revision: plan.revision });
  }
  const holds = !findings.some(({ severity }) => severity === 'error');
  const summary: CampaignSummary = { plan, findings, known, ...searched, holds };
  listener({ type: 'finished', summary });
  return summary;
}

/** Sorts errors before warnings, and each of them in the order of the invariants. */
const rank = ({ severity, invariant }: Finding): number =>
  (severity === 'error' ? 0 : INVARIANT_IDS.length) + INVARIANT_IDS.indexOf(invariant);

/** The findings that stored cases show on this revision: one for each fingerprint. */
async function replayRegressions(options: CheckOptions): Promise<readonly Finding[]> {
  const { regressions, run, invariants } = options;
  // A finding names the file that was stored for its fingerprint; another file only if there is no such file.
  const fromOwnFile = new FingerprintMap<Finding>();
  const fromOtherFile = new FingerprintMap<Finding>();
  for (const { file, regression } of regressions) {
    const { scenario } = regression;
    const trace = await run(scenario);
    const origin = { kind: 'regression', stored: scenario.revision } as const;
    for (const violation of violationsOf(trace, invariants)) {
      const { invariant, cause } = violation;
      const isOwn = invariant === regression.invariant && cause === regression.cause;
      const found = isOwn ? fromOwnFile : fromOtherFile;
      if (found.has(violation)) continue;
      found.set(violation, {
        ...findingOf(trace, violation),
        known: knownFile(options, violation),
        scenario,
        origin,
        file,
      });
    }
  }
  for (const [fingerprint, finding] of fromOwnFile) fromOtherFile.set(fingerprint, finding);
  return fromOtherFile.values();
}

/**
 * Looks for new findings. Each is stored when it is first seen and again when it is shrunk, so that an
 * interrupted check loses no finding.
 */
async function searchAndShrink(options: CheckOptions) {
  const { plan, listener, signal } = options;
  const firstSeen = new FingerprintMap<Finding>();
  const searching: SearchOptions = {
    run: options.run,
    scenarios: options.scenarios,
    invariants: options.invariants,
    seed: deriveSeed(plan.seed, `check ${plan.revision}`),
    runs: plan.runs,
    ...(signal && { signal }),
    ...(options.starts !== undefined && { starts: options.starts }),
    ...(options.repetitions !== undefined && { attempts: options.repetitions }),
    onProgress: (cases, findings) => listener({ type: 'progress', cases, runs: plan.runs, findings }),
    onSighting: (sighting, scenario, trace, violation) => {
      const finding = makeFinding(options, sighting, searching.seed, {
        scenario,
        trace,
        violation,
        path: String(sighting.starts[0]),
        shrinks: 0,
      });
      firstSeen.set(sighting.fingerprint, { ...finding, file: saveFinding(finding, options) });
    },
  };
  const { sightings, ...searched } = await search(searching);
  const findings: Finding[] = [];
  for (const sighting of sightings) {
    const seen = firstSeen.get(sighting.fingerprint)!;
    // A known finding comes with its smallest case.
    if (seen.known !== undefined) {
      findings.push({ ...seen, cases: sighting.cases });
      continue;
    }
    listener({ type: 'shrinking', fingerprint: sighting.fingerprint });
    const smallest = await shrinkSeen(sighting, seen, searching, options);
    const finding = await repeat(smallest, options);
    const file = saveFinding(finding, options, seen.file);
    if (seen.file !== undefined && seen.file !== file) options.store?.remove(seen.file);
    findings.push({ ...finding, file });
  }
  return { findings, ...searched };
}

/** The finding, shrunk; the finding as it was first seen if a real VMM does not show it again. */
async function shrinkSeen(
  sighting: Sighting,
  seen: Finding,
  searching: SearchOptions,
  options: CheckOptions,
): Promise<Finding> {
  try {
    return makeFinding(options, sighting, searching.seed, await shrinkSighting(sighting, searching));
  } catch (error) {
    // The model does not depend on timing: there, a finding that is not seen again is a fault of barproof.
    if (!(error instanceof NotSeenAgain) || options.repetitions === undefined) throw error;
    return { ...seen, cases: sighting.cases };
  }
}

/** Runs the case of a finding `repetitions` times more, and notes how often the finding shows. */
async function repeat(finding: Finding, { run, repetitions, invariants }: CheckOptions): Promise<Finding> {
  if (repetitions === undefined) return finding;
  let shown = 0;
  for (let turn = 0; turn < repetitions; turn++) {
    const found = violationsOf(await run(finding.scenario), invariants);
    if (found.some((violation) => sameFingerprint(violation, finding))) shown++;
  }
  return { ...finding, stability: { shown, of: repetitions } };
}

interface ShownCase {
  readonly scenario: Scenario;
  readonly trace: Trace;
  readonly violation: Violation;
  readonly path: string;
  readonly shrinks: number;
}

function makeFinding(
  options: CheckOptions,
  { cases, run }: Sighting,
  seed: number,
  { scenario, trace, violation, path, shrinks }: ShownCase,
): Finding {
  const origin = { kind: 'search', run, seed, path, shrinks } as const;
  return { ...findingOf(trace, violation), known: knownFile(options, violation), scenario, cases, origin };
}

/** The file of the known case with this fingerprint, if the revision is known for it. */
const knownFile = ({ known }: CheckOptions, { invariant, cause }: Violation): string | undefined =>
  known.find(({ regression }) => regression.invariant === invariant && regression.cause === cause)?.file;
