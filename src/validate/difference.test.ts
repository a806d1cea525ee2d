import { describe, expect, it } from 'vitest';
import type { Invariant } from '../invariants/index.ts';
import type { Outcome, Trace } from '../trace/index.ts';
import { compareOn } from './difference.ts';

/** A run: its outcome, its number of steps, and the causes and steps in which it breaks the invariant. */
interface Run {
  readonly outcome: Outcome;
  readonly steps: number;
  readonly breaks?: readonly (readonly [cause: string, step: number])[];
}

const traceOf = ({ outcome, steps, breaks = [] }: Run): Trace =>
  ({
    outcome,
    steps: Array.from({ length: steps }, () => ({ events: [], state: undefined })),
    breaks,
  }) as unknown as Trace;

const invariant: Invariant = {
  id: 'map-aligned',
  clause: '',
  severity: 'error',
  site: '',
  start(trace, examination) {
    examination.exercised++;
    for (const [cause, step] of (trace as unknown as Run).breaks ?? []) {
      examination.violate(cause, () => `${cause} in step ${step}`, undefined, step);
    }
    return undefined;
  },
};

const compare = (base: Run, patched: Run) =>
  compareOn(invariant, { base: traceOf(base), patched: traceOf(patched) }).differences.map(
    ({ fingerprint, difference }) => `${fingerprint.cause} ${difference}`,
  );

const holds: Run = { outcome: 'ok', steps: 4 };
const broken: Run = { outcome: 'ok', steps: 4, breaks: [['x', 2]] };

describe('compareOn', () => {
  it('finds no difference if the invariant holds on both sides', () => {
    expect(compare(holds, holds)).toEqual([]);
  });

  it('gives one difference for each cause: both, fixed or broken', () => {
    expect(compare(broken, broken)).toEqual(['x both']);
    expect(compare(broken, holds)).toEqual(['x fixed']);
    expect(compare(holds, broken)).toEqual(['x broken']);
    expect(compare(broken, { ...holds, breaks: [['y', 2]] })).toEqual(['x fixed', 'y broken']);
  });

  it('gives hidden, not fixed, if the patched side stops before the step of the violation', () => {
    expect(compare(broken, { outcome: 'aborted', steps: 2 })).toEqual(['x hidden']);
    expect(compare(broken, { outcome: 'aborted', steps: 3 })).toEqual(['x hidden']);
    expect(compare(broken, { outcome: 'rejected', steps: 2 })).toEqual(['x hidden']);
    expect(compare(broken, { outcome: 'aborted', steps: 4 })).toEqual(['x fixed']);
  });

  it('gives fixed if the patched side refuses the device in the step in which the base dies', () => {
    const dies: Run = { outcome: 'aborted', steps: 3, breaks: [['x', 2]] };
    expect(compare(dies, { outcome: 'rejected', steps: 3 })).toEqual(['x fixed']);
  });

  it('gives swapped if the patched side breaks the invariant in the step in which the base dies', () => {
    const dies: Run = { outcome: 'aborted', steps: 3, breaks: [['death', 2]] };
    expect(compare(dies, { ...holds, breaks: [['x', 2]] })).toEqual(['death fixed', 'x swapped']);
    expect(compare(dies, { outcome: 'aborted', steps: 3, breaks: [['other', 2]] })).toEqual([
      'death hidden',
      'other swapped',
    ]);
  });

  it('gives uncovered after the step in which the base dies, and broken before that step', () => {
    const dies: Run = { outcome: 'aborted', steps: 3 };
    expect(compare(dies, { ...holds, breaks: [['x', 3]] })).toEqual(['x uncovered']);
    expect(compare(dies, { ...holds, breaks: [['x', 1]] })).toEqual(['x broken']);
  });

  it('counts the checks of the invariant on both sides', () => {
    const { exercised } = compareOn(invariant, { base: traceOf(holds), patched: traceOf(holds) });
    expect(exercised).toEqual({ base: 1, patched: 1 });
  });
});
