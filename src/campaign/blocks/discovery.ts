import {
  fingerprintText,
  placeOf,
  violationsOf,
  type Fingerprint,
  type Place,
  type Violation,
} from '../../invariants/index.ts';
import type { Scenario } from '../../scenario/index.ts';
import type { Trace } from '../../trace/index.ts';
import type { Stability } from '../finding.ts';

/** Where in a campaign a case stands. */
export interface CaseNumber {
  /** The number of the block, from 0. */
  readonly block: number;
  /** The number of the case in its block, from 0. */
  readonly case: number;
}

/** What the run of a discovery's case showed. */
export interface ShownRun {
  readonly outcome: Trace['outcome'];
  /** What the invariant says of its break. */
  readonly message: string;
  /** Fingerprints of all violations, in order. */
  readonly violations: readonly string[];
  /** The last error message of the VMM. */
  readonly error?: string;
  /** Left out where the case was not repeated: the model does not depend on timing. */
  readonly stability?: Stability;
}

/** A cause for which an invariant breaks, the place at which it breaks, and a case that shows it. */
export interface Discovery extends Fingerprint, CaseNumber {
  readonly place: Place;
  readonly scenario: Scenario;
  readonly shown: ShownRun;
  /** Whether only a simpler case showed it, while the case of that number was shrunk. */
  readonly isNearMiss: boolean;
}

/** What makes two discoveries one finding: invariant, cause, and place. */
export const discoveryName = (found: Fingerprint & { readonly place: Place }): string =>
  `${fingerprintText(found)}@${found.place}`;

/** The name of the discovery that a violation of a run is; it is the same in every run. */
export const nameIn = (trace: Trace, violation: Violation): string =>
  discoveryName({ ...violation, place: placeOf(violation, trace) });

/** The violation of a run as a discovery. */
export const discoveryOf = (
  violation: Violation,
  trace: Trace,
  { block, case: number, isNearMiss }: CaseNumber & Pick<Discovery, 'isNearMiss'>,
): Discovery => ({
  invariant: violation.invariant,
  cause: violation.cause,
  place: placeOf(violation, trace),
  block,
  case: number,
  isNearMiss,
  // A target may run a variant of a scenario; the trace holds the variant.
  scenario: trace.scenario,
  shown: {
    outcome: trace.outcome,
    message: violation.message,
    violations: violationsOf(trace).map(fingerprintText),
    ...(trace.error !== undefined && { error: trace.error }),
  },
});

/** Sorts cases as a campaign numbers them. */
export const byNumber = (a: CaseNumber, b: CaseNumber): number => a.block - b.block || a.case - b.case;
