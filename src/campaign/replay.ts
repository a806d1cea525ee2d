import { findInvariant, fingerprintText, violationsOf, type Violation } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';
import type { LoadedCase } from './load-case.ts';
import type { Regression } from './regression.ts';
import type { RunScenario } from './search.ts';

/** What a case shows when it is run again. */
export interface Replay {
  readonly trace: Trace;
  readonly violations: readonly Violation[];
  /** Whether an invariant is broken, warnings apart. */
  readonly isCounterexample: boolean;
  /** Left out where the file says nothing about this run: a bare scenario, or one run on another revision. */
  readonly comparison?: StoredComparison;
}

/** How a run compares with what its regression file says was observed. */
export type StoredComparison =
  /** Outcome and violations are those in the file. */
  | { readonly kind: 'unchanged' }
  /** The file says what another target does, a real VMM: the model need not do the same. */
  | { readonly kind: 'other-target'; readonly target: string }
  /** Nothing breaks any more. */
  | { readonly kind: 'fixed'; readonly fingerprints: readonly string[] }
  /** Other violations, or another outcome. */
  | {
      readonly kind: 'changed';
      readonly observed: Regression['observed'];
      /** The outcome now, if it is another. */
      readonly outcome: Trace['outcome'] | undefined;
    };

/** Runs a case again and compares the run with what its file says. */
export async function replayCase({ scenario, regression }: LoadedCase, run: RunScenario): Promise<Replay> {
  const trace = await run(scenario);
  const violations = violationsOf(trace);
  // A file says what its own revision does, and nothing of another.
  const isSameRevision = regression?.scenario.revision === trace.revision;
  return {
    trace,
    violations,
    isCounterexample: violations.some(({ invariant }) => findInvariant(invariant).severity === 'error'),
    ...(regression !== undefined &&
      isSameRevision && { comparison: compareWithStored(regression, trace, violations) }),
  };
}

function compareWithStored(
  { observed, status }: Regression,
  { outcome }: Trace,
  violations: readonly Violation[],
): StoredComparison {
  const found = violations.map(fingerprintText);
  const isSame = observed.outcome === outcome && observed.violations.join(' ') === found.join(' ');
  if (isSame) return { kind: 'unchanged' };
  if (observed.target !== undefined) return { kind: 'other-target', target: observed.target };
  const gone = observed.violations.filter((stored) => !found.includes(stored));
  if (gone.length > 0 && found.length === 0 && status !== 'fixed') {
    return { kind: 'fixed', fingerprints: gone };
  }
  return { kind: 'changed', observed, outcome: observed.outcome === outcome ? undefined : outcome };
}
