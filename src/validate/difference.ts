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

/**
 * How the two sides of one scenario differ in one cause for which an invariant breaks. A side stops when it
 * dies or refuses a device.
 */
export type Difference =
  /** Both sides break the invariant. */
  | 'both'
  /** The base breaks the invariant, the patched side does not. */
  | 'fixed'
  /** The base breaks the invariant; the patched side dies in or before that step, or refuses a device before it. */
  | 'hidden'
  /** The patched side breaks the invariant, the base does not. */
  | 'broken'
  /** The patched side breaks the invariant in the step in which the base stops. */
  | 'swapped'
  /** The patched side breaks the invariant in a step after the base stops, so that the base cannot be compared. */
  | 'uncovered';

/** A violation on one side or on both, and how the sides differ. */
export interface ViolationDifference {
  readonly fingerprint: Fingerprint;
  readonly difference: Difference;
  readonly violations: Partial<Sides<Violation>>;
}

/** What `invariant` finds in one scenario on either side. */
export interface Examined {
  /** How many things the invariant checked on each side; 0 where the invariant does not apply. */
  readonly exercised: Sides<number>;
  readonly differences: readonly ViolationDifference[];
}

/** Compares the violations of one invariant in two runs of the same scenario. */
export function compareOn(invariant: Invariant, { base, patched }: Sides<Trace>): Examined {
  const before = examine(base, invariant);
  const after = examine(patched, invariant);
  const differences: ViolationDifference[] = [];
  for (const violation of before.violations) {
    const other = after.violations.find((candidate) => sameFingerprint(candidate, violation));
    differences.push({
      fingerprint: fingerprintOf(violation),
      difference: other !== undefined ? 'both' : stopsFirst(patched, violation) ? 'hidden' : 'fixed',
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

/** The step in which a run stopped; Infinity when it completed. */
const stopOf = ({ outcome, steps }: Trace): number => (outcome === 'ok' ? Infinity : steps.length - 1);

/** The difference where only the patched side shows the violation. */
function newDifference(base: Trace, { step }: Violation): Difference {
  const stop = stopOf(base);
  return step < stop ? 'broken' : step === stop ? 'swapped' : 'uncovered';
}

/**
 * Whether the patched side stopped before it could show the violation, too. A side that refuses the device in
 * that step, in place of the violation, fixes it.
 */
const stopsFirst = (trace: Trace, { step }: Violation): boolean =>
  trace.outcome === 'rejected' ? step > stopOf(trace) : step >= stopOf(trace);
