import { findInvariant, type Fingerprint, type Violation } from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';

/** How a finding came about. */
export type Origin =
  /** The search met it at case `run` (from 0), and shrinking took `shrinks` steps. */
  | {
      readonly kind: 'search';
      readonly run: number;
      readonly seed: number;
      readonly path: string;
      readonly shrinks: number;
    }
  /** A case shows it that was stored for the revision `stored`. */
  | { readonly kind: 'regression'; readonly stored: string }
  /** Somebody asked about this very scenario. */
  | { readonly kind: 'scenario' };

/** How often a finding showed when its case was run again. */
export interface Stability {
  readonly shown: number;
  readonly of: number;
}

/** `stable 10/10`, or `flaky 7/10`. */
export const stabilityText = ({ shown, of }: Stability): string =>
  `${shown === of ? 'stable' : 'flaky'} ${shown}/${of}`;

/** A way in which an invariant breaks, with the smallest scenario that shows it. */
export interface Finding extends Fingerprint {
  readonly severity: 'error' | 'warning';
  /** As shrunk. */
  readonly scenario: Scenario;
  /** What is wrong in that scenario. */
  readonly violation: Violation;
  /** What a run of that scenario shows. */
  readonly trace: Trace;
  /** How often it showed when its case was run again; left out where nobody did that. */
  readonly stability?: Stability;
  /** How many of the generated cases break it in this way. */
  readonly cases: number;
  readonly origin: Origin;
  /** The regression file that shows it, relative to its folder, if there is one. */
  readonly file: string | undefined;
  /** The file of the known finding that it is, if it is one that this revision is known for. */
  readonly known: string | undefined;
}

/** What a violation is by itself: seen in a run that somebody asked for, found by nobody before. */
export const findingOf = (trace: Trace, violation: Violation): Finding => ({
  invariant: violation.invariant,
  cause: violation.cause,
  severity: findInvariant(violation.invariant).severity,
  scenario: trace.scenario,
  violation,
  trace,
  cases: 0,
  origin: { kind: 'scenario' },
  file: undefined,
  known: undefined,
});
