import { findInvariant, type Fingerprint, type Violation } from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';

/** The origin of a finding. */
export type Origin =
  /** The search found it in case `run`, counted from 0; shrinking took `shrinks` steps. */
  | {
      readonly kind: 'search';
      readonly run: number;
      readonly seed: number;
      readonly path: string;
      readonly shrinks: number;
    }
  /** A stored case shows it; the case was stored for the revision `stored`. */
  | { readonly kind: 'regression'; readonly stored: string }
  /** The user asked to run this scenario. */
  | { readonly kind: 'scenario' };

/** In how many repetitions of its case a finding showed again. */
export interface Stability {
  /** Repetitions that showed the finding. */
  readonly shown: number;
  /** All repetitions. */
  readonly of: number;
}

/** `stable 10/10`, or `flaky 7/10`. */
export const stabilityText = ({ shown, of }: Stability): string =>
  `${shown === of ? 'stable' : 'flaky'} ${shown}/${of}`;

/** One cause for which an invariant breaks, with the smallest scenario that shows it. */
export interface Finding extends Fingerprint {
  readonly severity: 'error' | 'warning';
  /** The scenario, shrunk. */
  readonly scenario: Scenario;
  /** The violation in that scenario. */
  readonly violation: Violation;
  /** A run of that scenario. */
  readonly trace: Trace;
  /** Left out when the case was not repeated. */
  readonly stability?: Stability;
  /** Number of generated cases that show the finding. */
  readonly cases: number;
  readonly origin: Origin;
  /** The regression file that holds the scenario, relative to the folder of regressions. */
  readonly file: string | undefined;
  /** The file of the known finding, if the revision is known for this one. */
  readonly known: string | undefined;
  /** What the known finding says of the cause. */
  readonly explanation?: string;
  /** The file of a known finding of the same cause that does not explain this one: it is about another place. */
  readonly besides?: string;
}

/** The finding of a single run that the user asked for: not searched, not shrunk, not stored. */
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
