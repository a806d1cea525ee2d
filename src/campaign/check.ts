import type * as fc from 'fast-check';
import {
  INVARIANT_IDS,
  examine,
  findInvariant,
  fingerprint,
  violationsOf,
  type Invariant,
  type Violation,
} from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { deriveSeed } from './derive-seed.ts';
import type { CampaignListener, CampaignPlan, CampaignSummary } from './events.ts';
import type { Finding } from './finding.ts';
import type { RegressionStore, StoredRegression } from './regression-store.ts';
import type { Provenance, Regression } from './regression.ts';
import { search, shrinkSighting, type RunScenario, type Sighting } from './search.ts';

/** What a check is made of. */
export interface CheckOptions {
  readonly plan: CampaignPlan;
  /** Runs a scenario on the revision of the plan, whatever revision it names itself. */
  readonly run: RunScenario;
  readonly scenarios: fc.Arbitrary<Scenario>;
  readonly invariants: readonly Invariant[];
  /** Stored cases, which are run first and do not count against the budget. */
  readonly regressions: readonly StoredRegression[];
  /** Findings that the revision is known for, and which are no news. */
  readonly known: readonly StoredRegression[];
  /** Whether known findings count, too. */
  readonly strict: boolean;
  /** Where new findings are kept; nowhere when left out. */
  readonly store: RegressionStore | undefined;
  /** For provenance. */
  readonly version: string;
  readonly date: string;
  readonly listener: CampaignListener;
}

/**
 * Replays what is stored, searches, shrinks what fails and keeps it. The search does not depend on
 * what is stored: the same seed gives the same cases and the same findings.
 */
export function check(options: CheckOptions): CampaignSummary {
  const { plan, listener, strict } = options;
  listener({ type: 'started', plan });
  const replayed = replayRegressions(options);
  const seed = deriveSeed(plan.seed, `check ${plan.revision}`);
  const searching = {
    ...options,
    seed,
    runs: plan.runs,
    onProgress: (cases: number, findings: number) =>
      listener({ type: 'progress', cases, runs: plan.runs, findings }),
  };
  const { sightings, exercised, outcomes } = search(searching);
  const fromSearch = sightings.map((sighting): Finding => {
    listener({ type: 'shrinking', fingerprint: sighting.fingerprint });
    return makeFinding(options, sighting, seed, shrinkSighting(sighting, searching));
  });
  const seen = new Set(fromSearch.map(fingerprint));
  const all = [...fromSearch, ...replayed.filter((finding) => !seen.has(fingerprint(finding)))];
  const bySeverity = all.toSorted((a, b) => rank(a) - rank(b) || b.cases - a.cases);
  const findings = bySeverity.filter((finding) => finding.known === undefined);
  const known = bySeverity.filter((finding) => finding.known !== undefined);
  for (const [index, finding] of findings.entries()) {
    listener({ type: 'finding', finding, number: index + 1, savedAs: keep(finding, options) });
  }
  const counted = strict ? all : findings;
  const holds = !counted.some(({ severity }) => severity === 'error');
  const summary: CampaignSummary = { plan, findings, known, exercised, outcomes, holds };
  listener({ type: 'finished', summary });
  return summary;
}

/** Errors before warnings, and then the invariants in their own order. */
const rank = ({ severity, invariant }: Finding): number =>
  (severity === 'error' ? 0 : INVARIANT_IDS.length) + INVARIANT_IDS.indexOf(invariant);

/** The findings that stored cases show on this revision; one a fingerprint. */
function replayRegressions(options: CheckOptions): readonly Finding[] {
  const { regressions, run, invariants, listener } = options;
  const found = new Map<string, Finding>();
  for (const stored of regressions) {
    const { scenario } = stored.regression;
    const trace = run(scenario);
    const violations = violationsOf(trace, invariants);
    if (violations.length === 0) continue;
    listener({ type: 'regression-failed', stored, fingerprints: violations.map(fingerprint) });
    for (const violation of violations) {
      const name = fingerprint(violation);
      if (found.has(name)) continue;
      const origin = { kind: 'regression', file: stored.file } as const;
      found.set(name, { ...describe(options, violation), scenario, violation, trace, cases: 0, origin });
    }
  }
  return [...found.values()];
}

function makeFinding(
  options: CheckOptions,
  sighting: Sighting,
  seed: number,
  { scenario, violation, path, shrinks }: ReturnType<typeof shrinkSighting>,
): Finding {
  return {
    ...describe(options, violation),
    scenario,
    violation,
    trace: options.run(scenario),
    cases: sighting.cases,
    origin: { kind: 'search', run: sighting.run, seed, path, shrinks },
  };
}

function describe({ known }: CheckOptions, violation: Violation) {
  const { invariant, cause } = violation;
  const match = known.find(
    ({ regression }) => regression.invariant === invariant && regression.cause === cause,
  );
  return { invariant, cause, severity: findInvariant(invariant).severity, known: match?.file };
}

/** Stores a finding of the search; what a regression shows is stored already. */
function keep(finding: Finding, options: CheckOptions): string | undefined {
  const { store, plan, version, date } = options;
  const { origin } = finding;
  if (store === undefined || origin.kind !== 'search') return undefined;
  const source = `barproof check --seed ${plan.seed} --runs ${plan.runs} --revision ${plan.revision}`;
  const { seed, path } = origin;
  return store.save(makeRegression(finding, options, { source, seed, path, version, date }));
}

/** The regression file that a finding becomes. */
export function makeRegression(
  { invariant, cause, scenario, violation, trace }: Finding,
  { plan }: Pick<CheckOptions, 'plan'>,
  provenance: Provenance,
): Regression {
  const own = examine(trace, findInvariant(invariant)).violations.map(fingerprint);
  const others = violationsOf(trace).map(fingerprint);
  return {
    schema: 1,
    invariant,
    cause,
    title: violation.message,
    status: 'open',
    expected: findInvariant(invariant).clause,
    observed: { outcome: trace.outcome, violations: [...new Set([...own, ...others])] },
    failsOn: [plan.revision],
    provenance,
    scenario: { ...scenario, revision: plan.revision },
  };
}
