import { describe, expect, it } from 'vitest';
import type { Examination, Invariant } from '../invariants/index.ts';
import type { Outcome, Trace } from '../trace/index.ts';
import { compareOn } from './difference.ts';

/** A run of some steps, and where it breaks the invariant for which cause. */
interface Run {
  readonly outcome: Outcome;
  readonly steps: number;
  readonly breaks?: readonly (readonly [cause: string, step: number])[];
}

const traceOf = ({ outcome, steps, breaks = [] }: Run): Trace =>
  ({ outcome, steps: Array.from({ length: steps }), breaks }) as unknown as Trace;

const invariant: Invariant = {
  id: 'map-aligned',
  clause: '',
  severity: 'error',
  site: '',
  check(trace, examination: Examination) {
    examination.exercised++;
    for (const [cause, step] of (trace as unknown as Run).breaks ?? []) {
      examination.violate(cause, step, () => `${cause} in step ${step}`);
    }
  },
};

const compare = (base: Run, patched: Run) =>
  compareOn(invariant, { base: traceOf(base), patched: traceOf(patched) }).differences.map(
    ({ fingerprint, difference }) => `${fingerprint.cause} ${difference}`,
  );

const fine: Run = { outcome: 'ok', steps: 4 };
const broken: Run = { outcome: 'ok', steps: 4, breaks: [['x', 2]] };

describe('the difference between two runs', () => {
  it('is none where both are fine', () => {
    expect(compare(fine, fine)).toEqual([]);
  });

  it('is told cause by cause', () => {
    expect(compare(broken, broken)).toEqual(['x both']);
    expect(compare(broken, fine)).toEqual(['x fixed']);
    expect(compare(fine, broken)).toEqual(['x broken']);
    expect(compare(broken, { ...fine, breaks: [['y', 2]] })).toEqual(['x fixed', 'y broken']);
  });

  it('is no cure where the patched side gives up first', () => {
    expect(compare(broken, { outcome: 'aborted', steps: 2 })).toEqual(['x hidden']);
    expect(compare(broken, { outcome: 'aborted', steps: 3 })).toEqual(['x hidden']);
    expect(compare(broken, { outcome: 'rejected', steps: 2 })).toEqual(['x hidden']);
    expect(compare(broken, { outcome: 'aborted', steps: 4 })).toEqual(['x fixed']);
  });

  it('is a cure where a device is refused in good order instead', () => {
    const dies: Run = { outcome: 'aborted', steps: 3, breaks: [['x', 2]] };
    expect(compare(dies, { outcome: 'rejected', steps: 3 })).toEqual(['x fixed']);
  });

  it('is a swap in the very step in which the base gives up', () => {
    const dies: Run = { outcome: 'aborted', steps: 3, breaks: [['death', 2]] };
    expect(compare(dies, { ...fine, breaks: [['x', 2]] })).toEqual(['death fixed', 'x swapped']);
    expect(compare(dies, { outcome: 'aborted', steps: 3, breaks: [['other', 2]] })).toEqual([
      'death hidden',
      'other swapped',
    ]);
  });

  it('is uncovered behind that step, and broken before', () => {
    const dies: Run = { outcome: 'aborted', steps: 3 };
    expect(compare(dies, { ...fine, breaks: [['x', 3]] })).toEqual(['x uncovered']);
    expect(compare(dies, { ...fine, breaks: [['x', 1]] })).toEqual(['x broken']);
  });

  it('counts how much either side was asked', () => {
    const { exercised } = compareOn(invariant, { base: traceOf(fine), patched: traceOf(fine) });
    expect(exercised).toEqual({ base: 1, patched: 1 });
  });
});
