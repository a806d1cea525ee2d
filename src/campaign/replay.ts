import { fingerprintText, isError, violationsOf, type Violation } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';
import type { LoadedCase } from './load-case.ts';
import type { Regression } from './regression.ts';
import type { RunScenario } from './run-scenario.ts';

/** The result of running a stored case again. */
export interface Replay {
  readonly trace: Trace;
  readonly violations: readonly Violation[];
  /** Whether an invariant is broken, warnings apart. */
  readonly isCounterexample: boolean;
  /** What the file says of the cause, if the case is that of a known finding. */
  readonly explanation?: string;
  /** Left out where the file says nothing about this run: a bare scenario, or one run on another revision. */
  readonly comparison?: StoredComparison;
}

/** How a run compares with the run that its regression file records. */
export type StoredComparison =
  /** Outcome and violations are those in the file. */
  | { readonly kind: 'unchanged' }
  /** The file records a run of another target, a real VMM; the model may differ from it. */
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

/** Runs a case again and compares the run with the run that its file records. */
export async function replayCase({ scenario, regression }: LoadedCase, run: RunScenario): Promise<Replay> {
  const trace = await run(scenario);
  const violations = violationsOf(trace);
  // A file records a run on its own revision; a run on another revision may differ without a fault.
  const isSameRevision = regression?.scenario.revision === trace.revision;
  return {
    trace,
    violations,
    isCounterexample: violations.some(isError),
    ...(regression?.explanation !== undefined && { explanation: regression.explanation }),
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
