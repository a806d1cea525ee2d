import {
  FingerprintMap,
  FingerprintSet,
  INVARIANT_IDS,
  findInvariant,
  fingerprintText,
  sameFingerprint,
  violationsOf,
  type Invariant,
  type Violation,
} from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { deriveSeed } from './derive-seed.ts';
import type { CampaignListener, CampaignPlan, CampaignSummary } from './events.ts';
import { findingOf, stabilityText, type Finding } from './finding.ts';
import type { RegressionStore, StoredRegression } from './regression-store.ts';
import type { Regression } from './regression.ts';
import {
  NotSeenAgain,
  search,
  shrinkSighting,
  type RunScenario,
  type Scenarios,
  type SearchOptions,
  type Sighting,
} from './search.ts';

/** What a check is made of. */
export interface CheckOptions {
  readonly plan: CampaignPlan;
  /** Runs a scenario on the revision of the plan, whatever revision it names itself. */
  readonly run: RunScenario;
  readonly scenarios: Scenarios;
  readonly invariants: readonly Invariant[];
  /** Stored cases that the revision can run. They come first and do not count against the budget. */
  readonly regressions: readonly StoredRegression[];
  /** Findings that the revision is known for, and which are no news. */
  readonly known: readonly StoredRegression[];
  /** Where new findings are kept; nowhere when left out. */
  readonly store: RegressionStore | undefined;
  /** For provenance. */
  readonly version: string;
  readonly date: string;
  readonly listener: CampaignListener;
  /**
   * How often a shrunk case is run again before it is believed. On a real VMM what is found may depend on
   * the moment; never when left out.
   */
  readonly repetitions?: number;
  /** From how many cases shrinking of a finding starts; a few when left out. */
  readonly starts?: number;
  /** Ends the search early; what was found until then is reported. */
  readonly signal?: AbortSignal;
}

/**
 * Replays what is stored, searches, shrinks what fails and keeps it. The search does not depend on
 * what is stored: the same seed gives the same cases and the same findings.
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

/** Errors before warnings, and then the invariants in their own order. */
const rank = ({ severity, invariant }: Finding): number =>
  (severity === 'error' ? 0 : INVARIANT_IDS.length) + INVARIANT_IDS.indexOf(invariant);

/** The findings that stored cases show on this revision; one a fingerprint. */
async function replayRegressions(options: CheckOptions): Promise<readonly Finding[]> {
  const { regressions, run, invariants } = options;
  // The file that was stored for a fingerprint speaks for it, others only where there is none.
  const own = new FingerprintMap<Finding>();
  const others = new FingerprintMap<Finding>();
  for (const { file, regression } of regressions) {
    const { scenario } = regression;
    const trace = await run(scenario);
    const origin = { kind: 'regression', stored: scenario.revision } as const;
    for (const violation of violationsOf(trace, invariants)) {
      const { invariant, cause } = violation;
      const isOwn = invariant === regression.invariant && cause === regression.cause;
      const found = isOwn ? own : others;
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
  for (const [fingerprint, finding] of own) others.set(fingerprint, finding);
  return others.values();
}

/**
 * Looks for new findings. Each is kept as it is first seen, and again when it is as small as it gets,
 * so that whoever interrupts the search loses nothing.
 */
async function searchAndShrink(options: CheckOptions) {
  const { plan, listener, signal } = options;
  const first = new FingerprintMap<Finding>();
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
      first.set(sighting.fingerprint, { ...finding, file: keep(finding, options) });
    },
  };
  const { sightings, ...searched } = await search(searching);
  const findings: Finding[] = [];
  for (const sighting of sightings) {
    const seen = first.get(sighting.fingerprint)!;
    // What is known has its smallest case already.
    if (seen.known !== undefined) {
      findings.push({ ...seen, cases: sighting.cases });
      continue;
    }
    listener({ type: 'shrinking', fingerprint: sighting.fingerprint });
    const smallest = await shrinkSeen(sighting, seen, searching, options);
    const finding = await repeat(smallest, options);
    const file = keep(finding, options, seen.file);
    if (seen.file !== undefined && seen.file !== file) options.store?.remove(seen.file);
    findings.push({ ...finding, file });
  }
  return { findings, ...searched };
}

/** The finding made as small as it gets; as it was seen, where it does not show again. */
async function shrinkSeen(
  sighting: Sighting,
  seen: Finding,
  searching: SearchOptions,
  options: CheckOptions,
): Promise<Finding> {
  try {
    return makeFinding(options, sighting, searching.seed, await shrinkSighting(sighting, searching));
  } catch (error) {
    // Without a real VMM nothing depends on the moment.
    if (!(error instanceof NotSeenAgain) || options.repetitions === undefined) throw error;
    return { ...seen, cases: sighting.cases };
  }
}

/** Runs the case of a finding again and again, and notes how often it shows. */
async function repeat(finding: Finding, { run, repetitions, invariants }: CheckOptions): Promise<Finding> {
  if (repetitions === undefined) return finding;
  let shown = 0;
  for (let turn = 0; turn < repetitions; turn++) {
    const found = violationsOf(await run(finding.scenario), invariants);
    if (found.some((violation) => sameFingerprint(violation, finding))) shown++;
  }
  return { ...finding, stability: { shown, of: repetitions } };
}

interface Shown {
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
  { scenario, trace, violation, path, shrinks }: Shown,
): Finding {
  const origin = { kind: 'search', run, seed, path, shrinks } as const;
  return { ...findingOf(trace, violation), known: knownFile(options, violation), scenario, cases, origin };
}

/** The file that speaks for a violation, if it is one that the revision is known for. */
const knownFile = ({ known }: CheckOptions, { invariant, cause }: Violation): string | undefined =>
  known.find(({ regression }) => regression.invariant === invariant && regression.cause === cause)?.file;

/**
 * Stores a new finding, unless the store has one of the same kind. A case that an interrupted check
 * did not come to shrink gives way to one that is shrunk.
 *
 * @param asMet the file in which the case was kept when it was met.
 * @returns the file that speaks for the finding.
 */
function keep(finding: Finding, options: CheckOptions, asMet?: string): string | undefined {
  const { store } = options;
  if (store === undefined || finding.known !== undefined) return undefined;
  const regression = makeRegression(finding, options);
  const before = options.regressions.find(
    ({ regression: other }) =>
      other.status === 'open' &&
      other.invariant === finding.invariant &&
      other.cause === finding.cause &&
      other.scenario.revision === options.plan.revision &&
      (isAsMet(regression) || !isAsMet(other)),
  );
  return before?.file ?? store.save(regression, asMet);
}

/** Whether it is a case as the search met it: its path has no step of shrinking. */
const isAsMet = ({ provenance }: Regression): boolean => /^\d+$/.test(provenance.path ?? '');

/** The regression file that a finding of the search becomes. */
export function makeRegression(
  { invariant, cause, scenario, violation, trace, origin, stability }: Finding,
  { plan, version, date }: Pick<CheckOptions, 'plan' | 'version' | 'date'>,
): Regression {
  const { seed, path } = origin.kind === 'search' ? origin : { seed: 0, path: '' };
  return {
    schema: 1,
    invariant,
    cause,
    title: violation.message,
    status: 'open',
    expected: findInvariant(invariant).clause,
    observed: {
      outcome: trace.outcome,
      violations: violationsOf(trace).map(fingerprintText),
      ...(plan.target !== 'model' && { target: plan.target }),
      ...(stability && { stability: stabilityText(stability) }),
      ...(plan.target !== 'model' && trace.error !== undefined && { error: trace.error }),
    },
    failsOn: [plan.revision],
    provenance: { source: plan.command, seed, path, version, date },
    scenario: { ...scenario, revision: plan.revision },
  };
}
