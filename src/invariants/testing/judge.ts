import type { Trace } from '../../trace/index.ts';
import { examine, type Invariant, type Violation } from '../index.ts';

/** The violations that the invariant reports for the trace, their causes, and how many things it checked. */
export const judge = (
  invariant: Invariant,
  judged: Trace,
): {
  readonly causes: readonly string[];
  readonly exercised: number;
  readonly violations: readonly Violation[];
} => {
  const { violations, exercised } = examine(judged, invariant);
  return { causes: violations.map(({ cause }) => cause), exercised, violations };
};

/** The causes of the violations that the invariant reports for the trace. */
export const causes = (invariant: Invariant, judged: Trace): readonly string[] =>
  judge(invariant, judged).causes;

/** Whether the trace has nothing that the invariant checks, and so no violation. */
export const saysNothing = (invariant: Invariant, judged: Trace): boolean => {
  const { causes: found, exercised } = judge(invariant, judged);
  return found.length === 0 && exercised === 0;
};
