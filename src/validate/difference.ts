import { examine, fingerprint, type Invariant, type Violation } from '../invariants/index.ts';
import type { Trace } from '../target/trace.ts';

/** The two sides of a comparison. */
export interface Sides<T> {
  readonly base: T;
  readonly patched: T;
}

/** What one scenario says about one way for an invariant to break. */
export type Difference =
  /** Both sides break it. */
  | 'both'
  /** The base breaks it, the patched one does not. */
  | 'fixed'
  /** The base breaks it; the patched one gives up before it gets there. */
  | 'hidden'
  /** The patched one breaks it, the base does not. */
  | 'broken'
  /** The patched one breaks it where the base has given up: its VMM is dead, or has refused the device. */
  | 'swapped';

/** A violation of one side or of both, and what that says. */
export interface ViolationDifference {
  readonly fingerprint: string;
  readonly difference: Difference;
  readonly violations: Partial<Sides<Violation>>;
}

/** What `invariant` finds in one scenario on either side. */
export interface Examined {
  /** How many things each side shows that the invariant speaks of. */
  readonly exercised: Sides<number>;
  readonly differences: readonly ViolationDifference[];
}

/** Compares what an invariant makes of two runs of the same scenario. */
export function compareOn(invariant: Invariant, { base, patched }: Sides<Trace>): Examined {
  const before = examine(base, invariant);
  const after = examine(patched, invariant);
  const differences: ViolationDifference[] = [];
  for (const violation of before.violations) {
    const name = fingerprint(violation);
    const other = after.violations.find((candidate) => fingerprint(candidate) === name);
    differences.push({
      fingerprint: name,
      difference: other !== undefined ? 'both' : hides(patched, violation) ? 'hidden' : 'fixed',
      violations: { base: violation, ...(other && { patched: other }) },
    });
  }
  for (const violation of after.violations) {
    const name = fingerprint(violation);
    if (differences.some((difference) => difference.fingerprint === name)) continue;
    differences.push({
      fingerprint: name,
      difference: givesUpIn(base, violation) ? 'swapped' : 'broken',
      violations: { patched: violation },
    });
  }
  return { exercised: { base: before.exercised, patched: after.exercised }, differences };
}

/** The step at which a run gave up, or one beyond all. */
const endOf = ({ outcome, steps }: Trace): number => (outcome === 'ok' ? Infinity : steps.length - 1);

/** Whether the run gave up before the step is done: it shows nothing wrong then, and does nothing right. */
const givesUpIn = (trace: Trace, { step }: Violation): boolean => step >= endOf(trace);

/** Whether it gave up before it could break in this way, too; to refuse a device in its place is a cure. */
const hides = (trace: Trace, { step }: Violation): boolean =>
  trace.outcome === 'rejected' ? step > endOf(trace) : step >= endOf(trace);
