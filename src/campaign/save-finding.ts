import { isRealistic } from '../scenario/index.ts';
import { findInvariant, fingerprintText, violationsOf } from '../invariants/index.ts';
import type { CampaignPlan } from './events.ts';
import { stabilityText, type Finding } from './finding.ts';
import type { RegressionStore, StoredRegression } from './regression-store.ts';
import type { Regression } from './regression.ts';

/** Where a campaign stores its findings, and what it writes beside them. */
export interface SaveOptions {
  readonly plan: CampaignPlan;
  /** Where new findings are stored; undefined stores nothing. */
  readonly store: RegressionStore | undefined;
  /** Stored cases that the target can run. */
  readonly regressions: readonly StoredRegression[];
  /** Version of barproof, for the provenance of a stored case. */
  readonly version: string;
  /** Today as YYYY-MM-DD, for the provenance of a stored case. */
  readonly date: string;
}

/**
 * Stores a new finding, unless the store holds an open case of the same fingerprint and revision. A stored
 * case that was never shrunk, because its check was interrupted, is replaced by a shrunk one.
 *
 * @param unshrunk the file in which this check stored the case before shrinking.
 * @returns the file that holds the finding; undefined when the finding is known or nothing is stored.
 */
export function saveFinding(finding: Finding, options: SaveOptions, unshrunk?: string): string | undefined {
  const { store } = options;
  if (store === undefined || finding.known !== undefined) return undefined;
  const regression = makeRegression(finding, options);
  const before = options.regressions.find(
    ({ regression: other }) =>
      other.status === 'open' &&
      other.invariant === finding.invariant &&
      other.cause === finding.cause &&
      other.scenario.revision === options.plan.revision &&
      (isUnshrunk(regression) || !isUnshrunk(other)),
  );
  return before?.file ?? store.save(regression, unshrunk);
}

/** Whether a case was stored before shrinking: then its path is the number of a draw, without a step of shrinking. */
const isUnshrunk = ({ provenance }: Regression): boolean => /^\d+$/.test(provenance.path ?? '');

/** The regression file for a finding of the search. */
export function makeRegression(
  { invariant, cause, scenario, violation, trace, origin, stability }: Finding,
  { plan, version, date }: Pick<SaveOptions, 'plan' | 'version' | 'date'>,
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
    realistic: isRealistic(scenario),
    provenance: { source: plan.command, seed, path, version, date },
    scenario: { ...scenario, revision: plan.revision },
  };
}
