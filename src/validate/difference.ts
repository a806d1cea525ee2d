import {
  examine,
  sameFingerprint,
  type Fingerprint,
  type Invariant,
  type Violation,
} from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';

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
  /** The patched one breaks it in the very step in which the base gives up: it dies, or refuses the device. */
  | 'swapped'
  /** The patched one breaks it in a step that the base does not come to: nobody knows what it would have done. */
  | 'uncovered';

/** A violation of one side or of both, and what that says. */
export interface ViolationDifference {
  readonly fingerprint: Fingerprint;
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
    const other = after.violations.find((candidate) => sameFingerprint(candidate, violation));
    differences.push({
      fingerprint: fingerprintOf(violation),
      difference: other !== undefined ? 'both' : hides(patched, violation) ? 'hidden' : 'fixed',
      violations: { base: violation, ...(other && { patched: other }) },
    });
  }
  for (const violation of after.violations) {
    if (differences.some(({ fingerprint }) => sameFingerprint(fingerprint, violation))) continue;
    differences.push({
      fingerprint: fingerprintOf(violation),
      difference: newDifference(base, violation),
      violations: { patched: violation },
    });
  }
  return { exercised: { base: before.exercised, patched: after.exercised }, differences };
}

const fingerprintOf = ({ invariant, cause }: Violation): Fingerprint => ({ invariant, cause });

/** The step at which a run gave up, or one beyond all. */
const endOf = ({ outcome, steps }: Trace): number => (outcome === 'ok' ? Infinity : steps.length - 1);

/** What it means that only the patched side shows the violation. */
function newDifference(base: Trace, { step }: Violation): Difference {
  const end = endOf(base);
  return step < end ? 'broken' : step === end ? 'swapped' : 'uncovered';
}

/** Whether it gave up before it could break in this way, too; to refuse a device in its place is a cure. */
const hides = (trace: Trace, { step }: Violation): boolean =>
  trace.outcome === 'rejected' ? step > endOf(trace) : step >= endOf(trace);
