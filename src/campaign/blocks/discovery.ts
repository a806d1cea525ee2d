import {
  fingerprintText,
  placeOf,
  type Fingerprint,
  type Place,
  type Violation,
} from '../../invariants/index.ts';
import type { Scenario } from '../../scenario/index.ts';
import type { Trace } from '../../trace/index.ts';

/** Where in a campaign a case stands. */
export interface CaseNumber {
  /** The number of the block, from 0. */
  readonly block: number;
  /** The number of the case in its block, from 0. */
  readonly case: number;
}

/** A cause for which an invariant breaks, the place at which it breaks, and a case that shows it. */
export interface Discovery extends Fingerprint, CaseNumber {
  readonly place: Place;
  readonly scenario: Scenario;
  /** Whether only a simpler case showed it, while the case of that number was shrunk. */
  readonly isNearMiss: boolean;
}

/** What makes two discoveries one finding: invariant, cause, and place. */
export const discoveryName = (found: Fingerprint & { readonly place: Place }): string =>
  `${fingerprintText(found)}@${found.place}`;

/** The violation of a run as a discovery; its name is the same in every run. */
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
  scenario: trace.scenario,
});

/** Sorts cases as a campaign numbers them. */
export const byNumber = (a: CaseNumber, b: CaseNumber): number => a.block - b.block || a.case - b.case;
